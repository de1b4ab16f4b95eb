"""Steps: work whose result is recorded, so that it is never done twice.

What a step returns to its caller has been through JSON, the first time too: a replay, which has
only the recorded JSON, gives the same.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any, Self

from pydantic import ValidationError

from apps_app.dsl.context import current, current_sync, in_session
from apps_app.dsl.runtime import Runtime, Step, StepError, StepOutcome, UsageError, step_key
from apps_app.dsl.step_results import ResultType
from apps_app.events import storable

Function = Callable[..., Any]


def step(function: Any = None, /, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
    """Call the function as a step: `yr.step(function, 1, b=2)` returns the result of `function(1, b=2)`.

    The result has been through JSON. It comes in the type of the function's return annotation (a
    pydantic model, a dataclass, whatever pydantic can validate), else as JSON data. Raises StepError
    when the function raises, when JSON cannot hold its result, or when that does not fit the
    annotation. Inside a step it is a plain call: steps do not nest. The log shows `name`, by default
    the function's.

    As a decorator, `@yr.step` or `@yr.step(name="...")`, it makes a function that does a step whenever
    it is called, or awaited if it is async. Inside an app's function only `@yr.step()`, with brackets,
    decorates: without them it calls, as `yr.step(function)` does.
    """
    if _decorates(function, args, kwargs):
        return _decorated(function, name)
    return StepFunction(function, name, is_async=False)(*args, **kwargs)


def astep(function: Any = None, /, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
    """`step` for async apps, to be awaited; the function may be sync or async. It decorates likewise."""
    if _decorates(function, args, kwargs):
        return _decorated(function, name, is_async=True)
    return StepFunction(function, name, is_async=True)(*args, **kwargs)


def idempotency_key() -> str:
    """The key of the step that this code runs in, the same at each try: for who does the work elsewhere.

    Raises UsageError outside of a step.
    """
    key = step_key.get()
    if key is None:
        raise UsageError(
            "yr.idempotency_key() is the key of a step. Call it in a function that is called with yr.step."
        )
    return f"{current().runtime.session_id}:{key}"


class StepFunction:
    """A function that does a step whenever it is called, or awaited if `is_async` (by default, if it is)."""

    def __init__(self, function: Function, name: str | None = None, is_async: bool | None = None) -> None:
        self.function: Function = function.function if isinstance(function, StepFunction) else function
        functools.update_wrapper(self, self.function, updated=())
        self.name: str = storable(name or _name(function))
        self.is_async = inspect.iscoroutinefunction(self.function) if is_async is None else is_async

    def __repr__(self) -> str:
        return f"<StepFunction {self.name}>"

    def __get__(self, instance: Any, _owner: type | None = None) -> Self | MethodType:
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        work = functools.partial(self.function, *args, **kwargs)
        return self._adone(work) if self.is_async else self._done(work)

    def _done(self, work: Function) -> Any:
        if step_key.get() is not None:
            return work()
        runtime = current_sync("step").runtime
        attempt = _Attempt(self._result_type, runtime, runtime.begin_step(self.name).result())
        if attempt.is_due:
            with attempt.under_way():
                attempt.succeeded(work())
            attempt.end()
        return attempt.value()

    async def _adone(self, work: Function) -> Any:
        if step_key.get() is not None:
            return await _awaited(work())
        runtime = current().runtime
        attempt = _Attempt(self._result_type, runtime, await _begun(runtime, self.name))
        if attempt.is_due:
            with attempt.under_way():
                attempt.succeeded(await _awaited(work()))
            await attempt.ended()
        return attempt.value()

    @functools.cached_property
    def _result_type(self) -> ResultType:
        return ResultType(self.function)


class _Attempt:
    """One try at a step: what it came to, and the exception behind a failure."""

    def __init__(self, result_type: ResultType, runtime: Runtime, step: Step) -> None:
        self._result_type = result_type
        self._runtime = runtime
        self._step = step
        self._outcome = step.outcome or StepOutcome()
        self._error: BaseException | None = None

    @property
    def is_due(self) -> bool:
        """Whether the step is to be run now; else the log has its outcome."""
        return self._step.outcome is None

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """The step's code runs inside the block.

        An Exception becomes the outcome. A cancellation of the app's own task gives up the step.
        Anything else (SessionOver) passes: it says nothing about the step, so it is not recorded.
        """
        step_key.set(self._step.key)
        try:
            yield
        except (Exception, asyncio.CancelledError) as error:
            if _is_cancellation(error):
                self._runtime.abandon_step(self._step)
                raise
            self._error = error
            self._outcome = StepOutcome(error=storable(f"{type(error).__name__}: {error}"))
        finally:
            step_key.set(None)

    def succeeded(self, result: Any) -> None:
        """Keep the result; raises when JSON cannot hold it."""
        self._outcome = StepOutcome(result=self._result_type.encode(result))

    def end(self) -> None:
        """Record the outcome, and wait until that is durable."""
        self._runtime.end_step(self._step, self._outcome).result()

    async def ended(self) -> None:
        """`end` for async apps; a cancellation meanwhile gives up the step after all."""
        try:
            await asyncio.wrap_future(self._runtime.end_step(self._step, self._outcome))
        except asyncio.CancelledError:
            self._runtime.abandon_step(self._step)
            raise

    def value(self) -> Any:
        """What the step gives to its caller, from what is recorded."""
        if self._outcome.error is not None:
            raise StepError(self._outcome.error) from self._error
        try:
            return self._result_type.decode(self._outcome.result)
        except ValidationError as error:
            complaint = self._result_type.complaint(error)
            raise StepError(
                f"Step {self._step.key}, {self._step.name}, was recorded when its function returned another "
                f"type. Now {complaint} Let the type accept what is recorded, or name the step anew."
            ) from error


async def _begun(runtime: Runtime, name: str) -> Step:
    """The step that begins now; one whose caller is cancelled before it knows is given up."""
    beginning = runtime.begin_step(name)
    try:
        return await asyncio.wrap_future(beginning)
    except asyncio.CancelledError:
        if not beginning.cancelled() and (begun := beginning.result()).outcome is None:
            runtime.abandon_step(begun)
        raise


def _is_cancellation(error: BaseException) -> bool:
    """Whether it is the task that runs here that is cancelled, rather than something that it waited for."""
    if not isinstance(error, asyncio.CancelledError):
        return False
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop in this thread
        return False
    return task is not None and task.cancelling() > 0


def _decorates(function: Any, args: Any, kwargs: Any) -> bool:
    """Whether `yr.step` with these arguments decorates; else it is a call."""
    if args or kwargs:
        return False
    return function is None or not in_session() or _is_being_defined(function)


def _is_being_defined(function: Function) -> bool:
    """Whether it belongs to a module that does not have it yet.

    An app may import a module in the middle of its session: what is decorated there must not run.
    """
    plain = inspect.unwrap(function)
    if not isinstance(plain, FunctionType) or "<" in plain.__qualname__:  # a lambda, or a function's local
        return False
    return plain.__qualname__.partition(".")[0] not in plain.__globals__


def _decorated(function: Function | None, name: str | None, is_async: bool | None = None) -> Function:
    decorate = functools.partial(StepFunction, name=name, is_async=is_async)
    return decorate if function is None else decorate(function)


def _name(function: Function) -> str:
    if isinstance(function, StepFunction):
        return function.name
    return str(getattr(function, "__name__", type(function).__name__))


async def _awaited(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result
