"""The runner stops what is over, whether it was told or finds out, and whatever the app does against it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import apps_app.dsl as yr
from sessions_app.exits import cancellation
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, Session, Status
from sessions_app.runner import Runner
from sessions_app.writes import Write
from tests.deadline import until
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID, entries, shown
from tests.sessions_app.runners import (
    SECONDS,
    Start,
    ask_once,
    ask_once_async,
    comes_to,
    is_running,
    status_of,
    swept,
)

pytestmark = pytest.mark.django_db(transaction=True)


def cancel(writer: LogWriter, session: Session) -> None:
    """What the web process does, without telling the runner."""
    writer.submit(cancellation(session.id, APP_ID)).result(SECONDS)


@pytest.mark.parametrize("is_told", [True, False])
def test_spinning_app_of_a_cancelled_session_is_interrupted(
    runner: Runner, start: Start, writer: LogWriter, give_up: threading.Event, is_told: bool
) -> None:
    spinning = threading.Event()

    def main() -> None:
        spinning.set()
        while not give_up.is_set():
            pass

    session = start(main)
    assert spinning.wait(SECONDS)
    cancel(writer, session)
    if is_told:
        runner.halt(session.id)
    assert until(lambda: not is_running(runner))
    assert not give_up.is_set()
    assert comes_to(session, Status.CANCELLED)
    assert [event["data"]["exit_code"] for event in shown(session.id)] == [130]


@pytest.mark.parametrize("is_told", [True, False])
def test_awaiting_app_of_a_cancelled_session_is_cancelled(
    runner: Runner, start: Start, writer: LogWriter, is_told: bool
) -> None:
    awaiting, ended = threading.Event(), threading.Event()

    async def main() -> None:
        awaiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    session = start(main)
    assert awaiting.wait(SECONDS)
    cancel(writer, session)
    if is_told:
        runner.halt(session.id)
    assert until(lambda: swept(runner) and ended.is_set())
    assert comes_to(session, Status.CANCELLED)


@pytest.mark.parametrize("function", [ask_once, ask_once_async])
@pytest.mark.parametrize("is_told", [True, False])
def test_waiting_app_of_a_cancelled_session_ends(
    runner: Runner, start: Start, writer: LogWriter, function: Callable[..., Any], is_told: bool
) -> None:
    session = start(function)
    assert comes_to(session, Status.WAITING)
    cancel(writer, session)
    if is_told:
        runner.halt(session.id)
    assert until(lambda: not is_running(runner))
    assert [event["block_type"] for event in shown(session.id)] == ["input_request", "exit"]


def test_app_that_swallows_its_end_is_interrupted(
    runner: Runner, start: Start, give_up: threading.Event
) -> None:
    """Its own exit, and then every Stopped but the last."""
    swallowed: list[BaseException] = []

    def main() -> None:
        while len(swallowed) < 3:
            try:
                yr.exit(0)
            except BaseException as error:
                swallowed.append(error)
        while len(swallowed) < 6:
            with suppress(BaseException):
                while not give_up.is_set():
                    pass
            swallowed.append(RuntimeError())

    session = start(main)
    assert comes_to(session, Status.FINISHED)
    assert until(lambda: not is_running(runner))
    assert [entry.kind for entry in entries(session.id)] == [Kind.EVENT]


def test_halt_of_a_session_that_is_not_played_here_does_nothing(
    runner: Runner, new_session: Callable[..., Session]
) -> None:
    runner.halt(new_session().id)


def test_sweep_plays_what_is_owned_but_not_played(
    runner: Runner, writer: LogWriter, app: SetApp, new_session: Callable[..., Session]
) -> None:
    """Given up at the second sweep only: at the first its run may just be on its way."""
    app(ask_once)
    session = new_session(status=Status.RUNNING, owner="me")
    other = new_session(status=Status.RUNNING, owner="somebody else")
    runner.sweep()
    assert writer.submit(Write(session.id, {"owner": "me"})).result(SECONDS).epoch == 0
    assert until(lambda: swept(runner) and status_of(session) == Status.WAITING)
    other.refresh_from_db()
    assert (other.status, other.epoch) == (Status.RUNNING, 0)
