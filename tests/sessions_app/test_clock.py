"""A clock that jumps back: times of day may be wrong for it, but nothing that is done depends on them."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

import apps_app.dsl as yr
from sessions_app.authentication import VISITOR_COOKIE
from sessions_app.models import Status
from tests.deadline import until
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.conftest import NewStage, SetApp
from tests.sessions_app.playing import APP_ID, entries
from tests.sessions_app.runners import is_running, swept
from tests.sessions_app.stage import Stage, play_to_end

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = datetime.timedelta(hours=1)
NAP_SECONDS = 0.3


class Clock:
    """The time of day, which somebody sets; the time that passes is another matter."""

    def __init__(self, now: Callable[[], datetime.datetime]) -> None:
        self._now = now
        self._offset = datetime.timedelta()

    def now(self) -> datetime.datetime:
        return self._now() + self._offset

    def put_back(self) -> None:
        self._offset -= HOUR

    def put_forward(self) -> None:
        self._offset += HOUR


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(timezone.now)
    monkeypatch.setattr(timezone, "now", clock.now)
    return clock


def visit() -> str:
    """A bit of everything that is recorded."""
    yr.markdown("Hello")
    number = yr.step(lambda: 7, name="number")
    name = yr.text_input("Who?")
    with yr.form() as form:
        yr.text_input("From?")
        yr.buttons(["a", "b"])
    yr.markdown(f"{name} {number} {form.result()}")
    return yr.text_input("Bye?")


def nap() -> None:
    yr.markdown("before")
    yr.sleep(NAP_SECONDS)
    yr.markdown("after")


def stay(stage: Stage) -> None:
    """It stays hot."""


@pytest.mark.parametrize("leave", [stay, Stage.park, Stage.kill])
def test_session_goes_on_as_if_nothing_were(
    new_stage: NewStage, clock: Clock, leave: Callable[[Stage], None]
) -> None:
    answers = ["Ada", "x", "b", "bye"]
    stage = new_stage(visit)
    undisturbed = play_to_end(stage, answers, stay)

    def put_back(stage: Stage) -> None:
        clock.put_back()
        leave(stage)
        clock.put_back()
        stage.runner.sweep()

    disturbed = stage.beside()
    assert play_to_end(disturbed, answers, put_back) == undisturbed
    assert disturbed.status() == Status.FINISHED
    assert disturbed.session.finished_at is not None
    assert disturbed.session.finished_at < disturbed.session.created_at, "the clock was put back indeed"
    log = entries(disturbed.session.id)
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1))


def test_sleep_in_memory_lasts_as_long_as_it_should(new_stage: NewStage, clock: Clock) -> None:
    stage = new_stage(nap)
    stage.begin()
    assert until(lambda: stage.status() == Status.WAITING)
    clock.put_back()
    assert until(lambda: swept(stage.runner) and stage.status() == Status.FINISHED)


def test_sleep_without_a_run_waits_for_its_time_of_day(new_stage: NewStage, clock: Clock) -> None:
    stage = new_stage(nap)
    stage.begin()
    assert until(lambda: stage.status() == Status.WAITING)
    stage.park()
    clock.put_back()
    assert until(lambda: not is_running(stage.runner))
    wake_at = stage.session.wake_at
    assert wake_at is not None
    assert until(lambda: clock.now() + HOUR > wake_at)  # without the jump it would be over
    stage.runner.sweep()
    assert stage.status() == Status.WAITING
    clock.put_forward()
    assert until(lambda: swept(stage.runner) and stage.status() == Status.FINISHED)


def test_session_of_the_future_is_taken_up(new_stage: NewStage, clock: Clock) -> None:
    stage = new_stage(nap)
    clock.put_back()
    assert until(lambda: swept(stage.runner) and stage.status() == Status.FINISHED)


def test_time_limit_counts_the_time_that_passes(new_stage: NewStage, clock: Clock, settings: Any) -> None:
    """Of a run; a wait and a life end at a time of day."""
    settings.YERA_MAX_RUN_SECONDS = "0.2"
    settings.YERA_STOP_GRACE_SECONDS = "0"

    def spin() -> None:
        while True:
            yr.markdown("round")

    stage = new_stage(spin)
    stage.begin()
    assert until(lambda: stage.status() == Status.RUNNING)
    clock.put_back()
    assert until(lambda: swept(stage.runner) and stage.status() == Status.EXPIRED)


async def test_cancelled_before_it_began(client: AsgiClient, waiting: str, clock: Clock) -> None:
    clock.put_back()
    for _ in range(2):
        answer = await (await client.post(f"/api/session/{waiting}/cancel")).json()
        assert (answer["status"], answer["exit"]["exit_code"]) == ("cancelled", 130)
    assert answer["finished_at"] < answer["created_at"]


async def test_stream_stays_open_and_is_in_order(app: SetApp, client: AsgiClient, clock: Clock) -> None:
    @app
    def main() -> str:
        return yr.text_input("Who?") + yr.text_input("Where?")

    session = await client.create(APP_ID)
    following = asyncio.create_task(client.messages(session, "?follow=true&after=0"))
    for block_id in ("input_request-1", "input_request-2"):
        await client.messages(session)
        clock.put_back()
        assert (await client.answer(session, block_id, "a")).status == 200
    seqs = [message.seq for message in await asyncio.wait_for(following, 20) if message.seq]
    assert seqs == [1, 2, 3, 4, 5]


async def test_list_has_every_session_once(asking: None, client: AsgiClient, clock: Clock) -> None:
    first = await client.post("/api/session", {"app_id": APP_ID})
    started = [(await first.json())["session_id"]]
    visitor = first.headers["set-cookie"].partition(";")[0]
    assert visitor.startswith(VISITOR_COOKIE)
    browser = AsgiClient({"Cookie": visitor})
    for _ in range(3):
        clock.put_back()
        started.append(await browser.create(APP_ID))
    listed, cursor = [], ""
    while cursor is not None:
        page = await (await browser.get(f"/api/session?limit=1{cursor and f'&cursor={cursor}'}")).json()
        listed += [session["session_id"] for session in page["sessions"]]
        cursor = page["next"]
    assert listed == started, "newest first by the clock: the one that was started last is the oldest"
