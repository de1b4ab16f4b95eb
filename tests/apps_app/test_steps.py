"""Steps: what is recorded, and what their caller gets."""

import asyncio
import functools
import json

import pytest

import apps_app.dsl as yr
from apps_app.dsl.app import aplay
from apps_app.dsl.runtime import StepOutcome, Stopped, step_key
from tests.apps_app.playing import Played, played
from tests.apps_app.recording import SESSION_ID


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

    assert run.block_ids() == ["spinner-1", "markdown-1", "spinner-1"]


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
    assert (runtime.steps, runtime.abandoned, runtime.events) == ([], [], [])


def test_the_blocking_form_is_refused_in_an_async_app():
    async def app():
        yr.step(int)

    run = played(app)

    assert "use yr.astep" in run.exit["reason"]
    assert run.steps == []


def test_a_step_needs_a_running_session():
    with pytest.raises(yr.UsageError, match="needs a running session"):
        yr.step(int, "5")


# Replays.


def test_a_recorded_step_is_not_run_again():
    def app() -> int:
        return yr.step(lambda: pytest.fail("It ran."), name="add")

    run = played(app, recorded={"0.1": StepOutcome(b"3")})

    assert run.returned == "3"
    assert run.steps == []


def test_a_recorded_async_step_is_not_run_again():
    async def app() -> str:
        return str(await asyncio.gather(*(yr.astep(lambda n=n: n, name=str(n)) for n in range(3))))

    run = played(app, recorded={"0.2": StepOutcome(b"20")})

    assert run.returned == "[0, 20, 2]"
    assert [step.name for step, _ in run.steps] == ["0", "2"]


def test_a_recorded_failure_is_raised_again():
    def app():
        with pytest.raises(yr.StepError, match="^ValueError: too big$") as caught:
            yr.step(lambda: pytest.fail("It ran."))
        assert caught.value.__cause__ is None

    run = played(app, recorded={"0.1": StepOutcome(error="ValueError: too big")})

    assert run.returned == "None"
    assert run.steps == []


def test_a_failure_says_the_same_in_a_replay():
    """Not every text can be stored."""

    def app() -> str:
        try:
            return yr.step(fail, name="a\0b")
        except yr.StepError as error:
            return str(error)

    def fail():
        raise ValueError("a\0b \ud800")

    run = played(app)

    assert run.returned == "ValueError: a\ufffdb \ufffd"
    assert outcomes(run) == [("a\ufffdb", None, run.returned)]


# The key.


def test_the_idempotency_key_is_the_session_and_the_step():
    def app() -> str:
        return str([yr.step(yr.idempotency_key), yr.step(yr.step, yr.idempotency_key)])

    async def aapp() -> str:
        return await yr.astep(yr.idempotency_key)

    assert played(app).returned == f"['{SESSION_ID}:0.1', '{SESSION_ID}:0.2']"
    assert played(aapp).returned == f"{SESSION_ID}:0.1"


def test_there_is_no_idempotency_key_outside_of_a_step():
    with pytest.raises(yr.UsageError, match="with yr.step"):
        yr.idempotency_key()
    assert "with yr.step" in played(lambda: yr.idempotency_key()).exit["reason"]
