"""`@yr.app`, and the boundary around an app's function: how a session comes to its exit."""

from __future__ import annotations

import asyncio
import inspect
import traceback
import typing
from collections.abc import Callable
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar, cast, overload

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from apps_app.blocks import ErrorCause, Exit
from apps_app.dsl.context import Handle, SessionContext, current, playing
from apps_app.dsl.runtime import Runtime, SessionOver, UsageError

P = ParamSpec("P")
R = TypeVar("R")

MODULE_PREFIX = "yera.apps."  # app files are executed under it, so that none shadows a real module
COMPLETED = "Yera program completed successfully."
FAILED = "Error during app execution: "
PASS_THROUGH = (SessionOver, asyncio.CancelledError, GeneratorExit)  # never an app's outcome


class TaskExit(BaseException):
    """`sys.exit` in a task that an async app made; as SystemExit it would stop the event loop."""


class App(Generic[P, R]):
    """An author's function. Called in a session, it runs inline under its own id."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        model: Any = None,
        sys_prompt: str | None = None,
    ) -> None:
        self.function = function
        self.id = f"{function.__module__.removeprefix(MODULE_PREFIX)}.{function.__name__}"
        self.name = name or function.__name__
        self.description = description or inspect.getdoc(function) or ""
        self.model = model
        self.sys_prompt = sys_prompt
        self.is_async = inspect.iscoroutinefunction(function)

    def __repr__(self) -> str:
        return f"<App {self.id}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        context = current()
        if not self.is_async:
            return self._call(context, *args, **kwargs)
        if not context.is_async:
            raise UsageError(f"{self.id} is async: only an async app can call it, with await.")
        return cast(R, self._call_async(context, *args, **kwargs))

    def _call(self, context: SessionContext, *args: P.args, **kwargs: P.kwargs) -> R:
        with context.entered(self):
            try:
                return _checked(self, self.function(*args, **kwargs))
            except BaseException as error:
                _leave(context, error)

    async def _call_async(self, context: SessionContext, *args: P.args, **kwargs: P.kwargs) -> Any:
        with context.entered(self):
            try:
                return _checked(self, await cast(Any, self.function(*args, **kwargs)))
            except BaseException as error:
                _leave(context, error)


@overload
def app(function: Callable[P, R], /) -> App[P, R]: ...


@overload
def app(
    *,
    name: str | None = None,
    description: str | None = None,
    model: Any = None,
    sys_prompt: str | None = None,
) -> Callable[[Callable[P, R]], App[P, R]]: ...


def app(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    model: Any = None,
    sys_prompt: str | None = None,
) -> App[P, R] | Callable[[Callable[P, R]], App[P, R]]:
    """Make a function an app, as `@yr.app` or with keywords; its id is `module.function`."""

    def decorate(function: Callable[P, R]) -> App[P, R]:
        return App(function, name=name, description=description, model=model, sys_prompt=sys_prompt)

    return decorate if function is None else decorate(function)


def play(app: App[..., Any], runtime: Runtime) -> NoReturn:
    """Play a sync app from its start to its exit; raises SessionOver, always."""
    context = SessionContext(runtime)
    with playing(context):
        value = app()
        with context.entered(app):
            finish(context, _completed(value))


async def aplay(app: App[..., Any], runtime: Runtime) -> NoReturn:
    """Play an async app from its start to its exit in this task; raises SessionOver, always."""
    context = SessionContext(runtime, is_async=True)
    with playing(context):
        value = await app()
        with context.entered(app):
            finish(context, _completed(value))


def finish(context: SessionContext, data: Exit, failure: str = "") -> NoReturn:
    """End the session with this exit, in the name of the innermost app."""
    context.runtime.finish(Handle(Exit.block_type).next_event(data, current()), failure)


def _leave(context: SessionContext, error: BaseException) -> NoReturn:
    """An exception that leaves any app, nested or not, ends the session, whoever would catch it."""
    if isinstance(error, PASS_THROUGH):
        raise error
    name = "SystemExit" if isinstance(error, TaskExit) else type(error).__name__
    data = Exit(
        exit_code=1,
        reason=f"{FAILED}{error}",
        return_type="str",
        return_value=None,
        error_cause=ErrorCause(error_type=name),
    )
    finish(context, data, failure="".join(traceback.format_exception(error)))


def _completed(value: Any) -> Exit:
    return Exit(
        exit_code=0, reason=COMPLETED, return_type=type(value).__name__, return_value=value_text(value)
    )


def value_text(value: Any) -> str:
    """A return value as the exit shows it: pydantic models as JSON, the rest as `str()` of it."""
    return value.model_dump_json() if isinstance(value, BaseModel) else str(value)


def _checked(app: App[..., Any], value: R) -> R:
    """`value` if it fits the function's return annotation; raises TypeError."""
    # With local names of its own, typing does not cache what a string annotation meant in another run.
    expected = typing.get_type_hints(app.function, localns={}).get("return", type(None))
    if not _fits(value, expected):
        shown = getattr(expected, "__name__", str(expected))
        raise TypeError(f"{app.id} returned {type(value).__name__}, but its annotation says {shown}.")
    return value


def _fits(value: Any, expected: Any) -> bool:
    try:
        return isinstance(value, expected)
    except TypeError:  # it says more than a class or a union of classes can: list[int], a Literal
        return _validates(value, expected)


def _validates(value: Any, expected: Any) -> bool:
    adapter: TypeAdapter[Any]
    try:
        adapter = TypeAdapter(expected, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # a TypedDict, which brings a config of its own
        adapter = TypeAdapter(expected)
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True
