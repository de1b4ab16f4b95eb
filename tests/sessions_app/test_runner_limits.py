"""The runner's sweep ends what has run, waited or lasted for too long, and stops what runs of it."""

from __future__ import annotations

import asyncio
import datetime
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

import apps_app.dsl as yr
from apps_app.models import App
from sessions_app.database import in_database
from sessions_app.log_writer import LogWriter
from sessions_app.models import Session, Status
from sessions_app.runner import Runner
from sessions_app.server import Server
from tests.deadline import until
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.playing import APP_ID, exit_of, shown
from tests.sessions_app.runners import (
    SECONDS,
    Start,
    ask_once,
    ask_once_async,
    comes_to,
    is_running,
    running,
    status_of,
    swept,
)

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]

PAST = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
FUTURE = datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)


def let_pass(session: Session, column: str) -> None:
    """Have the time of this column come."""
    assert Session.objects.filter(id=session.id).update(**{column: PAST}) == 1


# Running.


def test_spinning_app_expires_and_is_stopped(
    runner: Runner, start: Start, give_up: threading.Event, settings: Any
) -> None:
    settings.YERA_MAX_RUN_SECONDS = 0.05

    def main() -> None:
        while not give_up.is_set():
            pass

    session = start(main)
    assert until(lambda: swept(runner) and status_of(session) == Status.EXPIRED)
    assert until(lambda: not is_running(runner))
    assert not give_up.is_set()
    (event,) = shown(session.id)
    assert event["data"] == exit_of(session)
    assert event["data"]["exit_code"] == 124
    assert event["data"]["reason"] == "The app ran for longer than 0.05 s without a wait."


def test_awaiting_app_expires_and_is_cancelled(runner: Runner, start: Start, settings: Any) -> None:
    settings.YERA_MAX_RUN_SECONDS = 0.05
    ended = threading.Event()

    async def main() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    session = start(main)
    assert until(lambda: swept(runner) and ended.is_set())
    assert comes_to(session, Status.EXPIRED)
    assert len(shown(session.id)) == 1


def test_limit_of_the_app_counts_before_the_servers(
    runner: Runner, start: Start, app_row: App, settings: Any
) -> None:
    """Here it says that there is none."""
    settings.YERA_MAX_RUN_SECONDS = 1e-9
    App.objects.update(max_run_seconds=0)
    may_end = threading.Event()

    def main() -> None:
        assert may_end.wait(SECONDS)

    session = start(main)
    assert comes_to(session, Status.RUNNING)
    for _ in range(3):
        runner.sweep()
    may_end.set()
    assert comes_to(session, Status.FINISHED)


@pytest.mark.parametrize("pause", [yr.text_input, lambda: yr.sleep(9999)], ids=["question", "sleep"])
def test_waiting_is_not_running(
    runner: Runner, start: Start, settings: Any, pause: Callable[[], Any]
) -> None:
    settings.YERA_MAX_RUN_SECONDS = 1e-9
    session = start(lambda: pause())
    assert comes_to(session, Status.WAITING)
    for _ in range(3):
        runner.sweep()
    assert status_of(session) == Status.WAITING


# Waiting and lasting.


@pytest.mark.parametrize("function", [ask_once, ask_once_async])
@pytest.mark.parametrize("column", ["wait_ends_at", "life_ends_at"])
def test_hot_run_of_an_overdue_session_is_stopped(
    runner: Runner,
    start: Start,
    loop: asyncio.AbstractEventLoop,
    function: Callable[..., Any],
    column: str,
) -> None:
    """At once, not by the next sweep."""
    session = start(function)
    assert comes_to(session, Status.WAITING)
    let_pass(session, column)
    runner.sweep()
    assert comes_to(session, Status.EXPIRED)
    assert until(lambda: not running(loop))
    assert [event["block_type"] for event in shown(session.id)] == ["input_request", "exit"]


def test_parked_session_expires(runner: Runner, start: Start) -> None:
    session = start(ask_once)
    assert comes_to(session, Status.WAITING)
    runner.park_idle(0)
    assert until(lambda: not is_running(runner))
    let_pass(session, "wait_ends_at")
    runner.sweep()
    assert comes_to(session, Status.EXPIRED)


def test_another_runners_session_expires_and_its_own_sweep_stops_it(
    runner: Runner, start: Start, writer: LogWriter, loop: asyncio.AbstractEventLoop
) -> None:
    session = start(ask_once)
    assert comes_to(session, Status.WAITING)
    let_pass(session, "life_ends_at")
    Runner("another", writer, loop).sweep()
    assert comes_to(session, Status.EXPIRED)
    assert until(lambda: not is_running(runner))


def test_runner_of_suspects_ends_nobody_elses(
    new_session: NewSession, writer: LogWriter, loop: asyncio.AbstractEventLoop, queries: list[str]
) -> None:
    new_session(life_ends_at=PAST)
    queries.clear()
    Runner("cell", writer, loop, plays_suspects=True).sweep()
    assert [sql for sql in queries if "life_ends_at" in sql.partition("WHERE")[2]] == []


def test_every_wait_has_the_limit_of_its_time(runner: Runner, start: Start, settings: Any) -> None:
    settings.YERA_MAX_WAIT_SECONDS = 1000
    runner.sweep()
    session = start(ask_once)
    assert comes_to(session, Status.WAITING)
    assert session.wait_ends_at is not None
    assert session.wait_ends_at > timezone.now() + datetime.timedelta(seconds=900)


def test_limits_of_apps_are_known_before_the_first_sweep(runner: Runner, start: Start, app_row: App) -> None:
    App.objects.update(max_wait_seconds=1000)
    session = start(ask_once)
    assert comes_to(session, Status.WAITING)
    assert session.wait_ends_at is not None


# What it costs.


def test_sweep_costs_the_same_however_many_wait(
    runner: Runner, new_session: NewSession, queries: list[str]
) -> None:
    def cost() -> int:
        runner.sweep()
        queries.clear()
        runner.sweep()
        return len(queries)

    alone = cost()
    for _ in range(50):
        new_session(status=Status.WAITING, wait_ends_at=FUTURE, life_ends_at=FUTURE)
    assert cost() == alone


# Over HTTP.


async def test_streams_of_an_expired_session_end_with_its_exit(
    waiting: str, client: AsgiClient, server: Server
) -> None:
    await in_database(let_pass, Session(id=UUID(waiting)), "wait_ends_at")
    async with client.stream(waiting, "?after=1&follow=true") as response:
        runner = Runner("another", server.writer, asyncio.get_running_loop())
        await in_database(runner.sweep)
        exits = [message.data async for message in response.messages() if message.event == "message"]
    assert [event["data"]["exit_code"] for event in exits] == [124]
    answer = await client.answer(waiting, "input_request-1", "late")
    assert await answer.refusal() == (409, "session_ended")
    session = await (await client.get(f"/api/session/{waiting}")).json()
    assert (session["status"], session["pending"], session["exit"]) == ("expired", [], exits[0]["data"])
    server.dispatch.halt(UUID(waiting))  # as the sweep of the runner that has it does


async def test_life_of_a_session_ends_as_its_app_says(asking: None, client: AsgiClient, app_row: App) -> None:
    await in_database(App.objects.update, max_life_seconds=3600)
    limited = await client.create(APP_ID)
    await in_database(App.objects.update, max_life_seconds=0)
    unlimited = await client.create(APP_ID)
    rows = await in_database(Session.objects.in_bulk)
    life_ends_at = rows[UUID(limited)].life_ends_at
    assert life_ends_at is not None
    age = rows[UUID(limited)].created_at - (life_ends_at - datetime.timedelta(hours=1))
    assert datetime.timedelta(0) <= age < datetime.timedelta(hours=1)
    assert rows[UUID(unlimited)].life_ends_at is None
