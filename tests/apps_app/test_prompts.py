"""Prompts: what they show, what is pending, and the type of the answer."""

import asyncio
import datetime
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import apps_app.dsl as yr
from apps_app.dsl.app import aplay
from apps_app.dsl.runtime import Answers, Exited
from apps_app.pending import PendingPrompt
from tests.apps_app.playing import played
from tests.apps_app.recording import RecordingRuntime


@dataclass(frozen=True)
class Case:
    """One kind of prompt: how it is called, what it shows, and what an answer becomes."""

    call: str
    arguments: tuple[Any, ...]
    block_type: str
    data: dict[str, Any]
    limits: dict[str, Any]
    posted: Any
    answer: Any


CASES = [
    Case(
        call="text_input",
        arguments=("Who?",),
        block_type="input_request",
        data={"type": "text", "message": "Who?"},
        limits={},
        posted="Ada",
        answer="Ada",
    ),
    Case(
        call="buttons",
        arguments=(("red", "green"), "Colour?"),
        block_type="buttons",
        data={"options": ["red", "green"], "label": "Colour?"},
        limits={"options": ["red", "green"]},
        posted="green",
        answer="green",
    ),
    Case(
        call="slider",
        arguments=(0, 10, "Score", 3),
        block_type="slider",
        data={"min_value": 0.0, "max_value": 10.0, "initial_value": 3.0, "label": "Score"},
        limits={"min_value": 0.0, "max_value": 10.0},
        posted=7,
        answer=7.0,
    ),
    Case(
        call="date_picker",
        arguments=("When", "2025-01-31"),
        block_type="date",
        data={"value": "2025-01-31", "label": "When"},
        limits={},
        posted="2025-02-01",
        answer=datetime.date(2025, 2, 1),
    ),
]
UNANSWERED: dict[str, Callable[[], object]] = {
    "text_input": str,
    "buttons": str,
    "slider": float,
    "date_picker": datetime.date.today,
}

each_prompt = pytest.mark.parametrize("case", CASES, ids=lambda case: case.call)


def same(value: Any, expected: Any) -> bool:
    return type(value) is type(expected) and value == expected


@each_prompt
def test_a_prompt_shows_itself_waits_and_returns_the_typed_answer(case):
    got = []

    def ask():
        got.append(getattr(yr, case.call)(*case.arguments))

    run = played(ask, case.posted)

    assert same(got[0], case.answer)
    assert run.data(case.block_type) == [case.data]
    assert run.events[0]["event_class"] == "prompt"
    block_id = f"{case.block_type}-1"
    assert run.shapes() == [(block_id, 1, None)]
    pending = PendingPrompt(block_id=block_id, block_type=case.block_type, **case.limits)
    assert run.asked == [[pending]]


@each_prompt
def test_the_awaited_form_does_the_same(case):
    got = []

    def ask():
        got.append(getattr(yr, case.call)(*case.arguments))

    async def aask():
        got.append(await getattr(yr, f"a{case.call}")(*case.arguments))

    run, arun = played(ask, case.posted), played(aask, case.posted)

    assert same(got[1], got[0])
    assert arun.data(case.block_type) == run.data(case.block_type)
    assert arun.asked == run.asked


@each_prompt
def test_inside_a_layout_it_returns_at_once(case):
    got = []

    def ask():
        with yr.container():
            got.append(getattr(yr, case.call)(*case.arguments))

    async def aask():
        async with yr.container():
            got.append(await getattr(yr, f"a{case.call}")(*case.arguments))

    for run in (played(ask, case.posted), played(aask, case.posted)):
        assert same(got.pop(), UNANSWERED[case.call]())
        assert [[prompt.layouts for prompt in prompts] for prompts in run.asked] == [[["container-1"]]]


@each_prompt
def test_the_blocking_form_is_refused_in_an_async_app(case):
    async def ask():
        getattr(yr, case.call)(*case.arguments)

    run = played(ask)

    assert run.exit["error_cause"]["error_type"] == "UsageError"
    assert f"use yr.a{case.call}" in run.exit["reason"]
    assert run.shapes() == []


@each_prompt
def test_a_step_cannot_ask(case):
    def ask():
        yr.step(getattr(yr, case.call), *case.arguments)

    run = played(ask)

    assert "UsageError: A step cannot ask" in run.exit["reason"]
    assert run.shapes() == []


def test_an_answer_can_come_later():
    """The awaited form leaves the event loop free until then."""
    answer: Future[Answers] = Future()

    class Waiting(RecordingRuntime):
        def ask(self, prompts, closing):
            return answer

    async def ask() -> str:
        return await yr.atext_input()

    async def scenario():
        runtime = Waiting()
        task = asyncio.create_task(aplay(yr.app(ask), runtime))
        await asyncio.sleep(0)
        answer.set_result({"input_request-1": "late"})
        with pytest.raises(Exited):
            await task
        return runtime.events[-1]["data"]["return_value"]

    assert asyncio.run(scenario()) == "late"


def test_a_text_prompt_may_have_no_message():
    def ask() -> str:
        return yr.text_input()

    run = played(ask, 42)

    assert run.data("input_request") == [{"type": "text", "message": ""}]
    assert run.returned == "42"


def test_buttons_need_options():
    def ask():
        with pytest.raises(ValueError, match="at least one option"):
            yr.buttons([])
        with pytest.raises(ValidationError):
            yr.buttons([1])  # type: ignore[list-item]  # that is the test

    assert played(ask).shapes() == []


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_a_slider_starts_in_the_middle(one, other):
    def ask():
        yr.slider(min(one, other), max(one, other), "x")

    data = played(ask, min(one, other)).data("slider")[0]

    assert data["min_value"] <= data["initial_value"] <= data["max_value"]
    distances = data["initial_value"] - data["min_value"], data["max_value"] - data["initial_value"]
    assert distances[0] == pytest.approx(distances[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((10, 0, "x"), "range from a smaller to a larger number, not 10.0 to 0.0"),
        ((0, float("inf"), "x"), "not 0.0 to inf"),
        ((float("nan"), 1, "x"), "not nan to 1.0"),
        ((0, 10, "x", 11), "default_value 11.0 is outside of its range, 0.0 to 10.0"),
        ((0, 10, "x", -1), "default_value -1.0 is outside"),
        ((0, 10, "x", float("nan")), "default_value nan is outside"),
    ],
)
def test_a_slider_that_cannot_be_is_refused(arguments, message):
    def ask():
        yr.slider(*arguments)

    run = played(ask)

    assert run.exit["error_cause"]["error_type"] == "ValueError"
    assert message in run.exit["reason"]
    assert run.shapes() == []


@pytest.mark.parametrize(
    ("default", "shown"),
    [
        (datetime.date(2025, 1, 31), "2025-01-31"),
        (datetime.datetime(2025, 1, 31, 23, 59), "2025-01-31"),
        ("2025-01-31", "2025-01-31"),
    ],
)
def test_a_date_picker_starts_at_its_default(default, shown):
    def ask():
        yr.date_picker("When", default)

    assert played(ask, "2025-02-01").data("date") == [{"value": shown, "label": "When"}]


def test_a_date_picker_starts_today_by_default():
    def ask():
        yr.date_picker(None)

    before = datetime.date.today().isoformat()
    run = played(ask, "2025-02-01")

    assert run.data("date")[0]["value"] in (before, datetime.date.today().isoformat())
    assert run.data("date")[0]["label"] is None


def test_a_default_that_is_no_date_is_refused():
    def ask():
        yr.date_picker("When", "tomorrow")

    assert played(ask).exit["error_cause"]["error_type"] == "ValueError"
