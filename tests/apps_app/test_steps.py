"""Steps: what is recorded, and what their caller gets."""

import asyncio
import dataclasses
import datetime
import functools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import apps_app.dsl as yr
from apps_app.dsl.app import aplay
from apps_app.dsl.runtime import Stopped, step_key
from tests.apps_app.playing import Played, played


class Point(BaseModel):
    x: int


@dataclasses.dataclass
class Size:
    width: int


def outcomes(run):
    return [(step.name, json.loads(outcome.result), outcome.error) for step, outcome in run.steps]


def test_a_step_records_its_result_and_returns_it():
    def add(a, b):
        return a + b

    def app() -> int:
        return yr.step(add, 1, b=2)

    run = played(app)

    assert run.returned == "3"
    assert outcomes(run) == [("add", 3, None)]


@pytest.mark.parametrize("is_async", [True, False])
def test_an_async_app_awaits_its_steps(is_async):
    async def add_later(a, b):
        await asyncio.sleep(0)
        return a + b

    async def app() -> int:
        return await yr.astep(add_later if is_async else (lambda a, b: a + b), 1, b=2, name="add")

    run = played(app)

    assert run.returned == "3"
    assert outcomes(run) == [("add", 3, None)]


def test_a_step_can_be_named():
    def app():
        yr.step(int, name="zero")
        yr.step(functools.partial(int, "5"))

    assert outcomes(played(app)) == [("zero", 0, None), ("partial", 5, None)]


def test_steps_side_by_side():
    async def double(value):
        await asyncio.sleep(0)
        return value * 2

    async def app() -> str:
        return str(await asyncio.gather(*(yr.astep(double, value) for value in (1, 2, 3))))

    assert played(app).returned == "[2, 4, 6]"


@pytest.mark.parametrize(
    ("result", "returned"),
    [
        (None, None),
        ((1, 2), [1, 2]),
        ({1: "a"}, {"1": "a"}),
        (Point(x=1), {"x": 1}),
        ([Size(2)], [{"width": 2}]),
        (datetime.date(2025, 1, 31), "2025-01-31"),
        (math.nan, None),
        ("a\0b", "a�b"),
        ("\ud800", "�"),
        (2**70, str(2**70)),
    ],
    ids=repr,
)
def test_a_result_has_been_through_json(result, returned):
    got = []

    def app():
        got.append(yr.step(lambda: result))

    run = played(app)

    assert got == [returned]
    assert outcomes(run) == [("<lambda>", returned, None)]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
)


@given(json_values)
def test_json_comes_through_unchanged(value):
    got = []

    def app():
        got.append(yr.step(lambda: value))

    played(app)

    assert got == [value]


def test_a_step_that_fails_is_recorded_and_raises():
    def fail():
        raise ValueError("too big")

    def app():
        with pytest.raises(yr.StepError, match="^ValueError: too big$") as caught:
            yr.step(fail)
        assert isinstance(caught.value.__cause__, ValueError)
        yr.markdown("going on")

    run = played(app)

    assert run.returned == "None"
    assert outcomes(run) == [("fail", None, "ValueError: too big")]


def test_an_async_step_that_fails_is_recorded_and_raises():
    async def fail():
        raise ValueError("too big")

    async def app():
        await yr.astep(fail)

    run = played(app)

    assert outcomes(run) == [("fail", None, "ValueError: too big")]
    assert run.exit["error_cause"]["error_type"] == "StepError"
    assert run.exit["reason"] == "Error during app execution: ValueError: too big"


def test_a_result_that_json_cannot_hold_is_a_failure():
    endless: list = []
    endless.append(endless)

    def app():
        for result in (object(), endless):
            with pytest.raises(yr.StepError):
                yr.step(lambda result=result: result)

    run = played(app)

    assert run.returned == "None"
    errors = [error for _, _, error in outcomes(run)]
    assert "object" in errors[0]
    assert "Circular reference" in errors[1]


def test_a_step_inside_a_step_is_plain_code():
    got = []

    def inner():
        return (1, 2)

    def outer():
        got.append(yr.step(inner))
        return "outer"

    async def aouter():
        async def ainner():
            return inner()

        got.append(await yr.astep(inner))
        got.append(await yr.astep(ainner))
        return "outer"

    async def aapp():
        await yr.astep(aouter)

    assert outcomes(played(lambda: yr.step(outer) and None)) == [("outer", "outer", None)]
    assert outcomes(played(aapp)) == [("aouter", "outer", None)]
    assert got == [(1, 2)] * 3


def test_what_runs_inside_a_step_knows_its_key():
    def app() -> str:
        keys = [step_key.get(), yr.step(step_key.get), step_key.get()]
        with pytest.raises(yr.StepError):
            yr.step(lambda: 1 / 0)
        return str([*keys, step_key.get()])

    assert played(app).returned == "[None, '0.1', None, None]"


def test_a_step_can_show():
    def work():
        with yr.spinner("Working"):
            yr.markdown("half done")

    run = played(lambda: yr.step(work))

    assert [block_id for block_id, *_ in run.shapes()] == ["spinner-1", "markdown-1", "spinner-1"]


def test_an_exit_inside_a_step_is_not_recorded():
    run = played(lambda: yr.step(lambda: yr.exit(3)))

    assert run.exit["exit_code"] == 3
    assert run.steps == []


def test_a_stop_inside_a_step_is_not_recorded():
    def stop():
        raise Stopped

    async def app():
        await yr.astep(stop)

    runtime = Played()
    with pytest.raises(Stopped):
        asyncio.run(aplay(yr.app(app), runtime))
    assert (runtime.steps, runtime.events) == ([], [])


def test_a_cancellation_inside_a_step_is_not_recorded():
    async def scenario(runtime):
        started = asyncio.Event()

        async def endless():
            started.set()
            await asyncio.Event().wait()

        async def app():
            await yr.astep(endless)

        task = asyncio.create_task(aplay(yr.app(app), runtime))
        await started.wait()
        task.cancel()
        await task

    runtime = Played()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario(runtime))
    assert (runtime.steps, runtime.events) == ([], [])


def test_the_blocking_form_is_refused_in_an_async_app():
    async def app():
        yr.step(int)

    run = played(app)

    assert "use yr.astep" in run.exit["reason"]
    assert run.steps == []


def test_a_step_needs_a_running_session():
    with pytest.raises(yr.UsageError, match="needs a running session"):
        yr.step(int)
