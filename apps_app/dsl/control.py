"""The course of a session: its end, a loop of questions, what an app remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping
from traceback import format_exception
from typing import Any, NoReturn

from apps_app.blocks import ErrorCause, Exit
from apps_app.dsl.app import finish, value_text
from apps_app.dsl.context import current, current_sync
from apps_app.dsl.prompts import atext_input, text_input
from apps_app.dsl.runtime import UsageError, step_key

Cause = BaseException | str | Mapping[str, Any]


def exit(  # noqa: A001 - the author's name for it
    exit_code: int = 0,
    reason: str | None = None,
    return_value: Any = None,
    *,
    error_cause: Cause | None = None,
) -> NoReturn:
    """End the session here, wherever that is: in a layout, a nested app, a step.

    `exit_code` 0 is success. `error_cause` says why it is another: an exception, an error type's
    name, or a mapping with `error_type` and perhaps `block_type`.
    """
    data = Exit(
        exit_code=exit_code,
        reason=reason,
        return_type=type(return_value).__name__,
        return_value=value_text(return_value),
        error_cause=_cause(error_cause) if exit_code else None,
    )
    failure = "".join(format_exception(error_cause)) if isinstance(error_cause, BaseException) else ""
    finish(current(), data, failure)


def _cause(cause: Cause | None) -> ErrorCause:
    match cause:
        case None:
            return ErrorCause(error_type="unknown")
        case str():
            return ErrorCause(error_type=cause)
        case BaseException():
            return ErrorCause(error_type=type(cause).__name__)
        case _:
            return ErrorCause.model_validate(cause)


def quit() -> NoReturn:  # noqa: A001 - as exit
    """End the session as its user wished."""
    exit(reason="User quit")


def chat(stop_str: str = "/quit") -> Iterator[str]:
    """Ask for text again and again, until one that starts with `stop_str` ends the session."""
    current_sync("chat")
    while not (text := text_input()).startswith(stop_str):
        yield text
    quit()


async def achat(stop_str: str = "/quit") -> AsyncIterator[str]:
    """`chat` for async apps."""
    while not (text := await atext_input()).startswith(stop_str):
        yield text
    quit()


class Workspace(MutableMapping[Any, Any]):
    """What the innermost running app remembers, from its call to its return.

    A nested app has its own, a new one at each call. A step can only read it: a replay does not
    run the step again, so what it had written would be missing.
    """

    def __getitem__(self, key: Any) -> Any:
        return self._items()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._writable_items()[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._writable_items()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items())

    def __len__(self) -> int:
        return len(self._items())

    def set(self, key: Any, value: Any) -> None:
        """`workspace[key] = value`, where an expression is needed."""
        self[key] = value

    def _items(self) -> dict[Any, Any]:
        return current().workspace

    def _writable_items(self) -> dict[Any, Any]:
        if step_key.get() is not None:
            raise UsageError(
                "A step cannot write to the workspace: return the value and keep it after the step."
            )
        return self._items()


workspace = Workspace()
