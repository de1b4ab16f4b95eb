"""The runner: takes up each session once, plays it on when it is answered, and leaves nothing lying."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import apps_app.dsl as yr
from sessions_app.log_writer import LogWriter
from sessions_app.models import Session, Status
from sessions_app.runner import Runner
from sessions_app.writes import Write
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID, ENTRY_POINT, exit_of, texts
from tests.sessions_app.runners import (
    SECONDS,
    Start,
    ask_once,
    ask_once_async,
    comes_to,
    error_type,
    record_answer,
)

pytestmark = pytest.mark.django_db(transaction=True)


# Taking up.


def test_session_is_claimed_once(
    runner: Runner, start: Start, writer: LogWriter, loop: asyncio.AbstractEventLoop
) -> None:
    calls: list[int] = []
    may_end = threading.Event()

    def main() -> None:
        calls.append(1)
        assert may_end.wait(SECONDS)

    session = start(main)
    rival = Runner("rival", writer, loop)
    for each in (runner, rival):
        each.advance(session.id, APP_ID, ENTRY_POINT)
        each.sweep()
    assert comes_to(session, Status.RUNNING)
    assert (session.owner, session.epoch) == ("me", 1)
    may_end.set()
    assert comes_to(session, Status.FINISHED)
    runner.sweep()
    assert calls == [1]


def test_sweep_takes_up_what_no_message_told_of(
    runner: Runner, writer: LogWriter, app: SetApp, new_session: Callable[..., Session]
) -> None:
    """But not what was created just now: its message is on the way."""

    @app
    def main() -> None:
        yr.markdown("played")

    runner.sweep()
    session = new_session()
    runner.sweep()
    assert writer.submit(Write(session.id, {"status": Status.CREATED})).result(SECONDS).epoch == 0
    runner.sweep()
    assert comes_to(session, Status.FINISHED)
    assert texts(session.id) == ["played"]


def test_async_apps_share_the_loop(start: Start, loop: asyncio.AbstractEventLoop) -> None:
    loops: list[Any] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())

    assert comes_to(start(main), Status.FINISHED)
    assert comes_to(start(main), Status.FINISHED)
    assert loops == [loop, loop]


def test_app_that_does_not_load_fails(runner: Runner, new_session: Callable[..., Session]) -> None:
    session = new_session()
    runner.advance(session.id, APP_ID, "/nowhere/one_app.py:main")
    assert error_type(session) == "AppLoadError"
    assert exit_of(session)["reason"] == f"The app {APP_ID} does not load."
    assert "No such file" in session.failure


@pytest.mark.parametrize(
    "source", ["raise KeyboardInterrupt", "raise SystemExit(3)", "1 / 0", "def main(: ..."]
)
def test_app_file_that_raises_anything_fails(
    runner: Runner, new_session: Callable[..., Session], tmp_path: Path, source: str
) -> None:
    file = tmp_path / "one_app.py"
    file.write_text(source)
    session = new_session()
    runner.advance(session.id, APP_ID, f"{file}:main")
    assert error_type(session) == "AppLoadError"


# Waking.


@pytest.mark.parametrize("function", [ask_once, ask_once_async])
@pytest.mark.parametrize("is_told", ["with the answer", "without", "by the sweep"])
def test_answer_plays_on(
    runner: Runner, start: Start, writer: LogWriter, function: Callable[..., Any], is_told: str
) -> None:
    session = start(function)
    assert comes_to(session, Status.WAITING)
    entry = record_answer(writer, session, "input_request-1", "me")
    match is_told:
        case "with the answer":
            runner.wake(session.id, entry)
        case "without":
            runner.wake(session.id)
        case _:
            runner.sweep()
    assert comes_to(session, Status.FINISHED)
    assert exit_of(session)["return_value"] == "me"


def test_wake_that_comes_twice_or_for_nobody_does_nothing(
    runner: Runner, start: Start, writer: LogWriter
) -> None:
    def main() -> str:
        return yr.text_input() + yr.text_input()

    session = start(main)
    runner.wake(session.id)
    assert comes_to(session, Status.WAITING)
    first = record_answer(writer, session, "input_request-1", "a")
    for _ in range(3):
        runner.wake(session.id, first)
    assert comes_to(session, Status.WAITING)
    second = record_answer(writer, session, "input_request-2", "b")
    runner.wake(session.id, second)
    runner.wake(session.id, second)
    assert comes_to(session, Status.FINISHED)
    assert exit_of(session)["return_value"] == "ab"
    runner.wake(session.id, second)


def test_late_wake_reads_all_that_was_answered(runner: Runner, start: Start, writer: LogWriter) -> None:
    def main() -> str:
        with yr.form() as form:
            yr.text_input()
            yr.text_input()
        return str(form.result())

    session = start(main)
    assert comes_to(session, Status.WAITING)
    record_answer(writer, session, "input_request-1", "a")
    Session.objects.update(status=Status.WAITING)
    session.refresh_from_db()
    runner.wake(session.id, record_answer(writer, session, "input_request-2", "b"))
    assert comes_to(session, Status.FINISHED)
    assert exit_of(session)["return_value"] == "('a', 'b')"


@pytest.mark.parametrize(("block_id", "value"), [("slider-1", "much"), ("input_request-9", "x")])
def test_recorded_answer_that_answers_nothing_fails_the_session(
    runner: Runner, start: Start, writer: LogWriter, block_id: str, value: str
) -> None:
    def main() -> None:
        yr.slider(0, 1, "How much?")

    session = start(main)
    assert comes_to(session, Status.WAITING)
    runner.wake(session.id, record_answer(writer, session, block_id, value))
    assert error_type(session) == "LogError"
