"""What asks: each prompt once, in a form that blocks and one that is awaited.

A prompt outside layouts waits for its answer. Inside a layout it returns at once, and leaving the
layout waits for all of its prompts.
"""

from __future__ import annotations

import asyncio
import datetime
import math
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from apps_app.blocks import BlockData, Buttons, Date, InputRequest, Slider
from apps_app.dsl.context import Handle, current, current_sync
from apps_app.dsl.runtime import Answers, UsageError, step_key
from apps_app.pending import PendingPrompt

T = TypeVar("T")


class Prompt(Generic[T]):
    """A prompt and the type in which its author gets the answer.

    `typed` makes that of a recorded answer; `unanswered` is returned inside a layout; `limits` are
    the options or the range that an answer is judged by.
    """

    def __init__(self, data: BlockData, typed: Callable[[Any], T], unanswered: T, **limits: Any) -> None:
        if step_key.get() is not None:
            raise UsageError("A step cannot ask: ask before it and hand the answer to its function.")
        self._data = data
        self._typed = typed
        self._unanswered = unanswered
        self._handle = Handle(data.block_type)
        self.pending = PendingPrompt(
            block_id=self._handle.block_id,
            block_type=data.block_type,
            layouts=[layout.block_id for layout in current().layouts],
            **limits,
        )

    def ask(self) -> T:
        answers = self._show()
        return self._unanswered if answers is None else self.answer_in(answers.result())

    async def aask(self) -> T:
        answers = self._show()
        return self._unanswered if answers is None else self.answer_in(await asyncio.wrap_future(answers))

    def answer_in(self, answers: Answers) -> T:
        """This prompt's answer, in the author's type."""
        return self._typed(answers[self.pending.block_id])

    def _show(self) -> Future[Answers] | None:
        """Show the prompt; None when it is the innermost layout that waits for its answer."""
        context = current()
        event = self._handle.next_event(self._data, context)
        if not context.layouts:
            return context.runtime.ask([self.pending], closing=event)
        context.runtime.emit(event)
        context.layouts[-1].prompts.append(self)
        return None


def _text_input(message: str | None) -> Prompt[str]:
    return Prompt(InputRequest(message=message or ""), str, "")


def _buttons(options: Iterable[str], label: str | None) -> Prompt[str]:
    choices = list(options)
    if not choices:
        raise ValueError("yr.buttons needs at least one option.")
    return Prompt(Buttons(options=choices, label=label), str, "", options=choices)


def _slider(
    min_value: float, max_value: float, label: str | None, default_value: float | None
) -> Prompt[float]:
    low, high = float(min_value), float(max_value)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"yr.slider needs a range from a smaller to a larger number, not {low} to {high}.")
    initial = (low + high) / 2 if default_value is None else float(default_value)
    if not low <= initial <= high:
        raise ValueError(f"yr.slider's default_value {initial} is outside of its range, {low} to {high}.")
    data = Slider(min_value=low, max_value=high, initial_value=initial, label=label)
    return Prompt(data, float, 0.0, min_value=low, max_value=high)


def _date_picker(label: str | None, default_date: datetime.date | str | None) -> Prompt[datetime.date]:
    today = datetime.date.today()
    match default_date:
        case None:
            value = today
        case str():
            value = datetime.date.fromisoformat(default_date)
        case datetime.datetime():
            value = default_date.date()
        case _:
            value = default_date
    return Prompt(Date(value=value, label=label), datetime.date.fromisoformat, today)


def text_input(message: str | None = None) -> str:
    """Ask for a line of text."""
    current_sync("text_input")
    return _text_input(message).ask()


async def atext_input(message: str | None = None) -> str:
    """`text_input` for async apps."""
    return await _text_input(message).aask()


def buttons(options: Iterable[str], label: str | None = None) -> str:
    """Ask for one of the options; raises ValueError when there is none."""
    current_sync("buttons")
    return _buttons(options, label).ask()


async def abuttons(options: Iterable[str], label: str | None = None) -> str:
    """`buttons` for async apps."""
    return await _buttons(options, label).aask()


def slider(
    min_value: float, max_value: float, label: str | None, default_value: float | None = None
) -> float:
    """Ask for a number in a range; it starts at its middle, or at `default_value`.

    Raises ValueError for a range that is empty or not finite, and for a default outside of it.
    """
    current_sync("slider")
    return _slider(min_value, max_value, label, default_value).ask()


async def aslider(
    min_value: float, max_value: float, label: str | None, default_value: float | None = None
) -> float:
    """`slider` for async apps."""
    return await _slider(min_value, max_value, label, default_value).aask()


def date_picker(label: str | None, default_date: datetime.date | str | None = None) -> datetime.date:
    """Ask for a date; it starts at today, or at `default_date` (a date, or "YYYY-MM-DD")."""
    current_sync("date_picker")
    return _date_picker(label, default_date).ask()


async def adate_picker(label: str | None, default_date: datetime.date | str | None = None) -> datetime.date:
    """`date_picker` for async apps."""
    return await _date_picker(label, default_date).aask()
