"""Time and chance: recorded once, read again in a replay."""

import asyncio
import datetime
import json
import math
from concurrent.futures import Future

import pytest

import apps_app.dsl as yr
from apps_app.dsl.app import aplay, play
from apps_app.dsl.recorded import LONGEST_SLEEP_SECONDS
from apps_app.dsl.runtime import Exited, Parked
from tests.apps_app.playing import Played, played


def draw():
    return [yr.now(), yr.uuid(), yr.random()]


def test_what_is_drawn_is_recorded_and_drawn_again_in_a_replay():
    drawn = []

    def app():
        drawn.append(draw())

    async def aapp():
        drawn.append(draw())

    before = datetime.datetime.now(datetime.UTC)
    first = played(app)
    again = played(aapp, recorded=first.recorded)

    assert drawn[0] == drawn[1]
    now, uuid, number = drawn[0]
    assert before <= now <= datetime.datetime.now(datetime.UTC)
    assert now.tzinfo is datetime.UTC
    assert uuid.version == 4
    assert 0 <= number < 1
    assert [step.name for step, _ in first.notes] == ["now", "uuid", "random"]
    assert [json.loads(value) for _, value in again.notes] == [now.isoformat(), str(uuid), number]


def test_each_is_drawn_anew():
    drawn = []
    played(lambda: drawn.extend([draw(), draw()]))

    assert not set(drawn[0]) & set(drawn[1])


def test_inside_a_step_nothing_is_recorded_but_the_step():
    run = played(lambda: yr.step(draw) and None)

    assert (len(run.steps), run.notes) == (1, [])


@pytest.mark.parametrize("draw_one", [yr.now, yr.uuid, yr.random])
def test_outside_of_a_session_nothing_is_drawn(draw_one):
    with pytest.raises(yr.UsageError, match="needs a running session"):
        draw_one()


# Sleep.


def test_a_sleep_is_the_runtimes():
    def app():
        yr.sleep(3600)
        yr.sleep(datetime.timedelta(days=1))
        yr.sleep(0)

    async def aapp():
        await yr.asleep(0.5)

    assert played(app).slept == [3600, 86400, 0]
    assert played(aapp).slept == [0.5]


class Sleepless(Played):
    """Ends a sleep when the test says so."""

    def __init__(self):
        super().__init__()
        self.falling_asleep = asyncio.Event()
        self.waking: Future[None] = Future()

    def sleep(self, seconds):
        self.falling_asleep.set()
        return self.waking


def test_a_sleep_may_outlive_its_run():
    def app():
        yr.sleep(5)

    runtime = Sleepless()
    runtime.waking.set_exception(Parked())

    with pytest.raises(Parked):
        play(yr.app(app), runtime)
    assert runtime.events == []


async def test_an_async_app_awaits_its_sleep():
    async def app():
        await yr.asleep(5)
        yr.markdown("awake")

    runtime = Sleepless()
    playing = asyncio.create_task(aplay(yr.app(app), runtime))
    await runtime.falling_asleep.wait()
    assert runtime.events == []

    runtime.waking.set_result(None)
    with pytest.raises(Exited):
        await playing
    assert runtime.data("markdown") == [{"content": "awake"}]


def test_inside_a_step_a_sleep_is_plain():
    async def app():
        await yr.astep(yr.asleep, 0)

    run, arun = played(lambda: yr.step(yr.sleep, 0)), played(app)

    assert (len(run.steps), run.slept) == (1, [])
    assert (len(arun.steps), arun.slept) == (1, [])


@pytest.mark.parametrize(
    "seconds",
    [-1, math.nan, math.inf, LONGEST_SLEEP_SECONDS + 1, datetime.timedelta(seconds=-1)],
)
def test_a_sleep_has_a_length(seconds):
    async def aapp():
        await yr.asleep(seconds)

    for run in (played(lambda: yr.sleep(seconds)), played(aapp)):
        assert run.exit["error_cause"]["error_type"] == "ValueError"
        assert "yr.sleep takes 0 to 3153600000 seconds, not " in run.exit["reason"]
        assert run.slept == []


def test_the_blocking_sleep_is_refused_in_an_async_app():
    async def app():
        yr.sleep(0)

    async def app_with_step():
        await yr.astep(yr.sleep, 0)

    assert "use yr.asleep" in played(app).exit["reason"]
    assert "use yr.asleep" in played(app_with_step).exit["reason"]
