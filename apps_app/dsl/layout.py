"""Layouts: blocks inside one name it as their parent; leaving it waits for the prompts inside."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from apps_app.blocks import Columns, Container, Form, LayoutEnd, Structure
from apps_app.dsl.context import Handle, current, set_layouts
from apps_app.dsl.prompts import Prompt
from apps_app.dsl.runtime import Answers, SessionOver, UsageError
from apps_app.events import Event


class Layout(Handle):
    """A part of the page, open inside its `with` block (`async with` in an async app).

    `prompts` are those shown directly in it: an inner layout waits for its own.
    """

    __slots__ = ("_answers", "_around", "_data", "prompts")

    def __init__(self, data: Structure) -> None:
        super().__init__(data.block_type)
        self._data = data
        self._around: tuple[Layout, ...] | None = None
        self._answers: Answers | None = None
        self.prompts: list[Prompt[Any]] = []

    def __enter__(self) -> Self:
        if current().is_async:
            raise UsageError(
                f"Leaving a yr.{self._data.block_type} may wait, which would block the event loop. "
                "In an async app open it with `async with`."
            )
        self._open()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        asked = self._close(error)
        if asked is not None:
            self._answers = asked.result()

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        asked = self._close(error)
        if asked is not None:
            self._answers = await asyncio.wrap_future(asked)

    def _open(self) -> None:
        if self._around is not None:
            raise UsageError(f"{self.block_id} is open already. Make a layout of its own for the inner one.")
        self._around = current().layouts
        self._answers = None
        self.prompts = []
        self.emit(self._data)
        set_layouts((*self._around, self))

    def _close(self, error: BaseException | None) -> Future[Answers] | None:
        """Show the layout's end, in the layout around it; None when there is nothing to wait for."""
        set_layouts(self._around or ())
        self._around = None
        if isinstance(error, SessionOver | GeneratorExit):
            return None
        context = current()
        end = Event(self.block_id, 1, LayoutEnd(), context.app.id, context.parent_block_id)
        if self.prompts and not isinstance(error, asyncio.CancelledError):
            return context.runtime.ask([prompt.pending for prompt in self.prompts], closing=end)
        context.runtime.emit(end)
        if not self.prompts:
            self._answers = {}
        return None


class FormLayout(Layout):
    """A form: its answers come together."""

    __slots__ = ()

    def result(self) -> tuple[Any, ...]:
        """The typed answers, in the order in which the prompts were made."""
        if self._answers is None:
            raise UsageError(f"{self.block_id} has no answers yet. Call result() after its `with` block.")
        return tuple(prompt.answer_in(self._answers) for prompt in self.prompts)

    async def aresult(self) -> tuple[Any, ...]:
        """`result` for async apps; leaving the form has done the waiting."""
        return self.result()


def columns(n: int, border: bool = False) -> Layout:
    """A layout whose blocks stand side by side in `n` columns."""
    return Layout(Columns(column_count=n, show_border=border))


def container(border: bool = False) -> Layout:
    """A layout whose blocks belong together."""
    return Layout(Container(show_border=border))


def form(border: bool = False) -> FormLayout:
    """A layout whose prompts are answered together; `result()` gives the answers."""
    return FormLayout(Form(show_border=border))
