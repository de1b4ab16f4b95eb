"""What a session waits for, and how a posted interaction is judged against it.

Pure: the web process judges with it before recording, a run reads recorded answers with it,
so that both come to the same answer.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

Answer = str | float

LAYOUT_BLOCK_TYPES = frozenset({"form", "layout"})  # what old clients call an answer to many prompts


class InvalidAnswerError(ValueError):
    """The prompt is pending, but this value does not answer it."""

    def __init__(self, block_id: str, expected: str, value: Any) -> None:
        shown = repr(value)
        super().__init__(f"{block_id} expects {expected}, not {shown[:80]}{'…' * (len(shown) > 80)}.")
        self.block_id = block_id


class NotPendingError(LookupError):
    """The block that the interaction names is not being asked for."""

    def __init__(self, block_id: str, pending: Sequence[PendingPrompt]) -> None:
        waiting_for = ", ".join(prompt.block_id for prompt in pending) or "nothing"
        super().__init__(f"{block_id} is not waiting for an answer; the session waits for {waiting_for}.")
        self.block_id = block_id


class PendingPrompt(BaseModel):
    """A prompt without an answer yet, with what is needed to judge one.

    `layouts` are the block ids of the layouts around it, the outermost first. Without options any
    text does, without a range any number.
    """

    block_id: str
    block_type: str
    layouts: list[str] = []
    options: list[str] | None = None
    min_value: float | None = None
    max_value: float | None = None

    def read(self, value: Any) -> Answer:
        """The answer that `value` stands for; raises InvalidAnswerError."""
        match self.block_type:
            case "slider":
                return self._read_number(value)
            case "date":
                return self._read_date(value)
            case "buttons":
                return self._read_option(value)
            case _:
                return _as_text(value)

    def unlimited(self) -> PendingPrompt:
        """The same prompt, taking any option and any number."""
        return self.model_copy(update={"options": None, "min_value": None, "max_value": None})

    def _read_number(self, value: Any) -> float:
        low, high = self.min_value, self.max_value
        expected = "a number" if low is None or high is None else f"a number from {low:g} to {high:g}"
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidAnswerError(self.block_id, expected, value)
        try:
            number = float(value)
        except (ValueError, OverflowError) as error:
            raise InvalidAnswerError(self.block_id, expected, value) from error
        in_range = (
            math.isfinite(number) and (low is None or low <= number) and (high is None or number <= high)
        )
        if not in_range:
            raise InvalidAnswerError(self.block_id, expected, value)
        return number

    def _read_date(self, value: Any) -> str:
        expected = "a date as YYYY-MM-DD"
        if not isinstance(value, str):
            raise InvalidAnswerError(self.block_id, expected, value)
        try:
            day = datetime.date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise InvalidAnswerError(self.block_id, expected, value) from error
        if day != value:  # ISO 8601 has other forms, such as 2025-W05-5
            raise InvalidAnswerError(self.block_id, expected, value)
        return day

    def _read_option(self, value: Any) -> str:
        text = _as_text(value)
        if self.options is not None and text not in self.options:
            expected = f"one of {json.dumps(self.options, ensure_ascii=False)}"
            raise InvalidAnswerError(self.block_id, expected, value)
        return text


def judge(pending: Sequence[PendingPrompt], block_id: str, block_type: str, value: Any) -> dict[str, Answer]:
    """The answers that one interaction gives, by block id: all of them or none.

    Raises NotPendingError when it names a block that nobody asks for, InvalidAnswerError when a
    value does not fit.
    """
    waiting = {prompt.block_id: prompt for prompt in pending}
    if block_id in waiting:
        return {block_id: waiting[block_id].read(value)}
    inside = {prompt.block_id: prompt for prompt in pending if block_id in prompt.layouts}
    if not inside or block_type not in LAYOUT_BLOCK_TYPES:
        raise NotPendingError(block_id, pending)
    return _judge_layout(inside, block_id, value, pending)


def _judge_layout(
    inside: Mapping[str, PendingPrompt], layout_id: str, value: Any, pending: Sequence[PendingPrompt]
) -> dict[str, Answer]:
    expected = 'a list of {"sub_block_id", "sub_block_type", "value"}, each prompt once'
    if not isinstance(value, list) or not value:
        raise InvalidAnswerError(layout_id, expected, value)
    answers: dict[str, Answer] = {}
    for item in value:
        if not isinstance(item, dict) or not isinstance(item.get("sub_block_id"), str) or "value" not in item:
            raise InvalidAnswerError(layout_id, expected, item)
        sub_block_id = item["sub_block_id"]
        if sub_block_id in answers:
            raise InvalidAnswerError(layout_id, expected, item)
        if sub_block_id not in inside:
            raise NotPendingError(sub_block_id, pending)
        answers[sub_block_id] = inside[sub_block_id].read(item["value"])
    return answers


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
