"""A question: which answers it takes, and what they leave missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps_app.pending import InvalidAnswerError, NotPendingError, PendingPrompt
from sessions_app.frames import Entry
from sessions_app.models import Kind
from sessions_app.question import Question, uncancellable_future
from tests.sessions_app.playing import interaction

TEXT = PendingPrompt(block_id="input_request-1", block_type="input_request", layouts=["form-1"])
SLIDER = PendingPrompt(
    block_id="slider-1", block_type="slider", min_value=0.0, max_value=9.0, layouts=["form-1"]
)
BUTTONS = PendingPrompt(
    block_id="buttons-1", block_type="buttons", options=["a", "b"], layouts=["form-1", "columns-1"]
)
PROMPTS = [TEXT, SLIDER, BUTTONS]
GIVEN = {"input_request-1": "me", "slider-1": "3", "buttons-1": "b"}
READ = {"input_request-1": "me", "slider-1": 3.0, "buttons-1": "b"}


def together(*block_ids: str, layout: str = "form-1") -> Entry:
    """One interaction that answers these prompts of a layout."""
    types = {prompt.block_id: prompt.block_type for prompt in PROMPTS}
    value = [
        {"sub_block_id": block_id, "sub_block_type": types[block_id], "value": GIVEN[block_id]}
        for block_id in block_ids
    ]
    return interaction(1, layout, value, "form")


def test_answer_is_read_in_its_prompts_type() -> None:
    question = Question([SLIDER])
    assert question.take(interaction(1, "slider-1", "3"))
    assert question.answers == {"slider-1": 3.0}
    assert question.missing == {}


def test_block_type_may_be_left_out() -> None:
    payload = json.dumps({"blockId": "slider-1", "value": 3}).encode()
    assert Question([SLIDER]).take(Entry(1, Kind.INTERACTION, False, payload))


@settings(deadline=None)
@given(st.permutations(list(GIVEN)), st.lists(st.booleans(), min_size=2, max_size=2))
def test_answers_come_in_any_order_alone_or_together(order: list[str], cuts: list[bool]) -> None:
    question = Question(PROMPTS)
    parts = [[order[0]]]
    for block_id, cut in zip(order[1:], cuts, strict=True):
        if cut:
            parts.append([block_id])
        else:
            parts[-1].append(block_id)
    assert [question.take(together(*part)) for part in parts] == [False] * (len(parts) - 1) + [True]
    assert (question.answers, question.missing) == (READ, {})


@pytest.mark.parametrize(("block_id", "value"), [("slider-1", 10), ("buttons-1", "c")])
def test_limits_of_today_do_not_count(block_id: str, value: Any) -> None:
    """The answer was judged before it was recorded; the app may have changed since."""
    question = Question(PROMPTS)
    question.take(interaction(1, block_id, value))
    assert question.answers == {block_id: value}


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (interaction(1, "slider-1", "much"), InvalidAnswerError),
        (interaction(1, "slider-2", 1), NotPendingError),
        (interaction(1, "input_request-1", "again"), NotPendingError),
        (together("slider-1", "input_request-1"), NotPendingError),
        (together("slider-1", layout="form-2"), NotPendingError),
    ],
    ids=["no number", "another block", "answered", "one answered", "another form"],
)
def test_what_does_not_answer_changes_nothing(refused: Entry, error: type[Exception]) -> None:
    question = Question([TEXT, SLIDER])
    assert not question.take(interaction(1, "input_request-1", "me"))
    with pytest.raises(error):
        question.take(refused)
    assert question.answers == {"input_request-1": "me"}
    assert list(question.missing) == ["slider-1"]
    assert question.take(interaction(1, "slider-1", 3))


def test_who_gives_up_waiting_does_not_take_the_answer_away() -> None:
    future = uncancellable_future()
    assert not future.cancel()
    future.set_result("late")
    assert future.result(0) == "late"
