"""Sleeping: a wait that nobody answers. It ends at its time, whoever runs the session then."""

from __future__ import annotations

import asyncio
import datetime
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.utils import timezone

import apps_app.dsl as yr
from sessions_app import recorder
from sessions_app.models import Session, Status
from tests.deadline import until
from tests.sessions_app.conftest import NewStage
from tests.sessions_app.playing import entries, exit_of, texts
from tests.sessions_app.runners import is_running
from tests.sessions_app.stage import Stage, play_to_end

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 3600.0


def nap(seconds: float) -> Callable[..., Any]:
    def main() -> str:
        yr.markdown("before")
        yr.sleep(seconds)
        yr.markdown("after")
        return "slept"

    return main


def nap_async(seconds: float) -> Callable[..., Any]:
    async def main() -> str:
        yr.markdown("before")
        await yr.asleep(seconds)
        yr.markdown("after")
        return "slept"

    return main


def is_asleep(stage: Stage) -> bool:
    return until(lambda: stage.status() == Status.WAITING and stage.session.wake_at is not None)


def pass_time(stage: Stage, seconds: float) -> None:
    """As if so much time had gone by since the sleep began."""
    stage.session.refresh_from_db()
    wake_at = stage.session.wake_at
    assert wake_at is not None
    earlier = datetime.timedelta(seconds=seconds)
    (entry,) = stage.session.entries.filter(kind="step")
    entry.payload = entry.payload.replace(wake_at.isoformat(), (wake_at - earlier).isoformat())
    entry.save()
    Session.objects.filter(id=stage.session.id).update(wake_at=wake_at - earlier)


@pytest.mark.parametrize("sleeper", [nap, nap_async])
def test_sleep_ends_by_itself(new_stage: NewStage, sleeper: Callable[[float], Callable[..., Any]]) -> None:
    stage = new_stage(sleeper(0.05))
    stage.begin()
    assert until(lambda: stage.status() == Status.FINISHED)
    assert texts(stage.session.id) == ["before", "after"]
    assert [entry.kind for entry in entries(stage.session.id)] == ["event", "step", "event", "event"]
    assert stage.session.wake_at is None


def test_sweep_ends_a_sleep_that_is_too_long_for_an_alarm(
    new_stage: NewStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "LONGEST_ALARM_SECONDS", 0)
    stage = new_stage(nap(0.05))
    stage.begin()

    def is_finished() -> bool:
        stage.runner.sweep()
        return stage.status() == Status.FINISHED

    assert until(is_finished)
    assert stage.session.epoch == 2  # in the same run: taken up once, and ended


@pytest.mark.parametrize("sleeper", [nap, nap_async])
def test_sleeping_session_waits_for_nothing_and_takes_no_answer(
    new_stage: NewStage, sleeper: Callable[[float], Callable[..., Any]]
) -> None:
    stage = new_stage(sleeper(HOUR))
    began = timezone.now()
    stage.begin()
    assert is_asleep(stage)
    assert (stage.session.pending, stage.session.wait_ends_at) == ([], None)
    assert stage.session.wake_at is not None
    assert began + datetime.timedelta(seconds=HOUR) <= stage.session.wake_at
    assert not any(entry.closes_turn for entry in entries(stage.session.id))  # no pause: a stream stays open


@pytest.mark.parametrize("give_up", [Stage.park, Stage.kill])
@pytest.mark.parametrize("sleeper", [nap, nap_async])
def test_sleep_goes_on_without_a_run_and_ends_in_another(
    new_stage: NewStage, sleeper: Callable[[float], Callable[..., Any]], give_up: Callable[[Stage], None]
) -> None:
    stage = new_stage(sleeper(HOUR))
    stage.begin()
    assert is_asleep(stage)
    give_up(stage)
    assert until(lambda: not is_running(stage.runner))
    stage.runner.sweep()
    assert stage.status() == Status.WAITING  # it is not time yet
    pass_time(stage, HOUR)
    stage.runner.sweep()
    assert until(lambda: stage.status() == Status.FINISHED)
    assert texts(stage.session.id) == ["before", "after"]


def test_session_that_is_taken_up_too_early_sleeps_on(new_stage: NewStage) -> None:
    """The clock has been put back since, say."""
    stage = new_stage(nap(HOUR))
    stage.begin()
    assert is_asleep(stage)
    stage.park()
    wake_at = stage.session.wake_at
    Session.objects.update(wake_at=timezone.now())
    stage.runner.sweep()
    assert until(lambda: stage.status() == Status.WAITING and stage.session.wake_at == wake_at)
    assert texts(stage.session.id) == ["before"]


def test_cancelled_while_it_sleeps(new_stage: NewStage) -> None:
    stage = new_stage(nap(HOUR))
    stage.begin()
    assert is_asleep(stage)
    stage.cancel()
    assert until(lambda: not is_running(stage.runner))
    assert (stage.status(), stage.session.wake_at) == (Status.CANCELLED, None)


def test_sleep_beside_other_work_is_no_wait(new_stage: NewStage) -> None:
    """The session works on: it is neither waiting nor parked."""
    working, may_end = threading.Event(), threading.Event()

    async def work() -> int:
        working.set()
        await asyncio.to_thread(may_end.wait)
        return 7

    async def main() -> str:
        result, _ = await asyncio.gather(yr.astep(work), yr.asleep(0.05))
        return str(result)

    stage = new_stage(main)
    stage.begin()
    assert working.wait(20)
    stage.runner.park_idle(0)
    assert stage.status() == Status.RUNNING
    may_end.set()
    assert until(lambda: stage.status() == Status.FINISHED)
    assert exit_of(stage.session)["return_value"] == "7"


def test_sleep_that_is_over_is_not_slept_again(new_stage: NewStage) -> None:
    def main() -> str:
        yr.sleep(0.05)
        return yr.text_input()

    stage = new_stage(main)
    stage.begin()
    assert until(lambda: bool(stage.status() == Status.WAITING and stage.session.pending))
    stage.park()
    stage.answer("me")
    assert stage.pauses()
    assert exit_of(stage.session)["return_value"] == "me"
    assert [entry.kind for entry in entries(stage.session.id)] == ["step", "event", "interaction", "event"]


@pytest.mark.parametrize("is_beside_work", [False, True])
def test_sleep_that_its_app_gives_up_is_given_up_again(new_stage: NewStage, is_beside_work: bool) -> None:
    """Also when the time that it would have ended has come since."""

    async def nap_shortly() -> None:
        try:
            async with asyncio.timeout(0.1):
                await yr.asleep(0.3)
            yr.exit(1, "slept")
        except TimeoutError:
            yr.markdown("gave up")

    async def main() -> str:
        if is_beside_work:
            await asyncio.gather(give_up_in_task())
        else:
            await nap_shortly()
        return await yr.atext_input()

    async def give_up_in_task() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await yr.asleep(0.3)
            yr.exit(1, "slept")

    def kill_long_after(stage: Stage) -> None:
        for entry in stage.session.entries.filter(kind="step", payload__contains="result"):
            entry.payload = json.dumps(json.loads(entry.payload) | {"result": "2020-01-01T00:00:00+00:00"})
            entry.save()
        stage.kill()

    told = play_to_end(new_stage(main), ["x"], kill_long_after)
    expected = [] if is_beside_work else ["gave up"]
    assert [shape[-1]["content"] for shape in told if shape[0].startswith("markdown")] == expected


def test_session_runs_on_when_its_sleep_is_given_up(new_stage: NewStage) -> None:
    may_end = threading.Event()

    async def main() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await yr.asleep(HOUR)
        yr.markdown("awake")
        await asyncio.to_thread(may_end.wait, 20)

    stage = new_stage(main)
    stage.begin()
    assert until(lambda: texts(stage.session.id) == ["awake"])
    assert until(lambda: stage.status() == Status.RUNNING)
    assert stage.session.wake_at is None
    stage.runner.park_idle(0)
    assert stage.status() == Status.RUNNING
    may_end.set()
    assert until(lambda: stage.status() == Status.FINISHED)
