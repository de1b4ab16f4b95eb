"""What only shows: markdown, spinners and actions. Nothing here waits."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from apps_app.blocks import Action, Markdown, Spinner
from apps_app.dsl.context import Handle
from apps_app.dsl.runtime import SessionOver


class MarkdownHandle(Handle):
    """A text that grows. As a context manager (`with` or `async with`) it only groups the code."""

    __slots__ = ()

    def append(self, text: Any) -> None:
        """Show more of the text, right after what is there."""
        self.emit(Markdown(content=str(text)))

    def new_line(self, text: Any) -> None:
        """Show more of the text, as a new paragraph."""
        self.append(f"\n\n{text}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass


class Progress(Handle):
    """Something under way: active inside the `with` (or `async with`) block, complete after it."""

    __slots__ = ("_data", "_message")

    def __init__(self, data: type[Spinner | Action], message: str | None) -> None:
        super().__init__(data.block_type)
        self._data = data
        self._message = message

    def update(self, message: str | None) -> None:
        """Say what is being done now."""
        self.emit(self._data(status="active", message=message))

    def __enter__(self) -> Self:
        self.update(self._message)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if not isinstance(error, SessionOver):
            self.emit(self._data(status="complete", message=None))

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def markdown(content: Any = None) -> MarkdownHandle:
    """Show a text in Markdown; without `content` nothing is shown until something is appended."""
    handle = MarkdownHandle(Markdown.block_type)
    if content is not None:
        handle.append(content)
    return handle


def spinner(message: str | None) -> Progress:
    """A spinner that turns while the `with` block runs."""
    return Progress(Spinner, message)


def action(message: str | None) -> Progress:
    """An action that is shown as going on while the `with` block runs."""
    return Progress(Action, message)
