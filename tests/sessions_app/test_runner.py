"""The runner: takes up each session once, plays it to its exit, and stops what is over."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import apps_app.dsl as yr
from sessions_app.exits import cancellation
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.models import LIVE, Kind, Session, Status
from sessions_app.runner import Runner
from sessions_app.writes import NewEntry, Write
from tests.deadline import until
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID, ENTRY_POINT, entries, exit_of, interaction, shown, texts

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20.0

Start = Callable[..., Session]


@pytest.fixture
def runner(writer: LogWriter, loop: asyncio.AbstractEventLoop, settings: Any) -> Iterator[Runner]:
    settings.YERA_STOP_GRACE_SECONDS = 0
    runner = Runner("me", writer, loop)
    yield runner
    for session in Session.objects.filter(status__in=LIVE):
        writer.submit(cancellation(session.id, session.app_id)).result(SECONDS)
        runner.halt(session.id)
    assert until(lambda: not is_running(runner))


@pytest.fixture
def start(runner: Runner, app: SetApp, new_session: Callable[..., Session]) -> Start:
    """Starts a session of this function."""

    def start(function: Callable[..., Any]) -> Session:
        app(function)
        session = new_session()
        runner.advance(session.id, APP_ID, ENTRY_POINT)
        return session

    return start


@pytest.fixture
def give_up(runner: Runner) -> Iterator[threading.Event]:
    """Set when the test is over: an app that nobody could interrupt does not outlive it."""
    give_up = threading.Event()
    yield give_up
    give_up.set()


def is_running(runner: Runner) -> bool:
    """Whether some sync app still has its thread; a sweep interrupts those that should not."""
    runner.sweep()
    return any(thread.name.startswith("run-") for thread in threading.enumerate())


def swept(runner: Runner) -> bool:
    runner.sweep()
    return True


def status_of(session: Session) -> str:
    session.refresh_from_db()
    return session.status


def comes_to(session: Session, status: Status) -> bool:
    return until(lambda: status_of(session) == status)


def error_type(session: Session) -> str:
    """What the session failed with."""
    assert comes_to(session, Status.FAILED)
    assert session.exit == shown(session.id)[-1]["data"]
    return str(exit_of(session)["error_cause"]["error_type"])


def record_answer(writer: LogWriter, session: Session, block_id: str, value: Any) -> Entry:
    """What the web process does with an answer, without telling the runner."""
    entry = interaction(session.last_seq + 1, block_id, value)
    changes = {"status": Status.RUNNING, "pending": [], "turn_seq": entry.seq}
    where = {"status": Status.WAITING, "last_seq": session.last_seq}
    write = Write(session.id, where, [NewEntry(Kind.INTERACTION, entry.payload)], changes)
    assert writer.submit(write).result(SECONDS).last_seq == entry.seq
    return entry


def ask_once() -> str:
    return yr.text_input("Who?")


async def ask_once_async() -> str:
    return await yr.atext_input("Who?")


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
    runner: Runner, writer: LogWriter, app: SetApp, new_session: Callable[..., Session], settings: Any
) -> None:
    """But not what was created just now: its message is on the way."""

    @app
    def main() -> None:
        yr.markdown("played")

    session = new_session()
    settings.YERA_SWEEP_SECONDS = 60
    runner.sweep()
    assert writer.submit(Write(session.id, {"status": Status.CREATED})).result(SECONDS).epoch == 0
    settings.YERA_SWEEP_SECONDS = 0.05
    assert until(lambda: swept(runner) and status_of(session) != Status.CREATED)
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


# How apps end.


def exit_sync() -> None:
    sys.exit(3)


async def exit_async() -> None:
    sys.exit(3)


async def exit_gathered() -> None:
    await asyncio.gather(exit_async(), asyncio.sleep(0))


def interrupt_sync() -> None:
    raise KeyboardInterrupt


async def interrupt_async() -> None:
    raise KeyboardInterrupt


async def interrupt_gathered() -> None:
    await asyncio.gather(interrupt_async(), asyncio.sleep(0))


def fail_sync() -> None:
    _ = 1 / 0


async def fail_async() -> None:
    _ = 1 / 0


def cancel_sync() -> None:
    raise asyncio.CancelledError


async def cancel_async() -> None:
    raise asyncio.CancelledError


async def cancel_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(SECONDS)


async def cancel_awaited() -> None:
    other = asyncio.create_task(asyncio.sleep(SECONDS))
    other.cancel()
    await other


def close_sync() -> None:
    raise GeneratorExit


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (exit_sync, "SystemExit"),
        (exit_async, "SystemExit"),
        (exit_gathered, "SystemExit"),
        (interrupt_sync, "KeyboardInterrupt"),
        (interrupt_async, "KeyboardInterrupt"),
        (interrupt_gathered, "SystemExit"),
        (fail_sync, "ZeroDivisionError"),
        (fail_async, "ZeroDivisionError"),
        (cancel_sync, "CancelledError"),
        (cancel_async, "CancelledError"),
        (cancel_itself, "CancelledError"),
        (cancel_awaited, "CancelledError"),
        (close_sync, "GeneratorExit"),
    ],
)
def test_whatever_an_app_raises_ends_its_session_alone(
    start: Start, function: Callable[..., Any], expected: str
) -> None:
    neighbour = start(ask_once_async)
    assert comes_to(neighbour, Status.WAITING)
    session = start(function)
    assert error_type(session) == expected
    assert [event["block_type"] for event in shown(session.id)] == ["exit"]
    assert comes_to(start(ask_once_async), Status.WAITING)
    assert comes_to(neighbour, Status.WAITING)


def test_app_that_gives_up_waiting_ends(start: Start) -> None:
    async def main() -> str:
        try:
            async with asyncio.timeout(0.01):
                await yr.atext_input()
        except TimeoutError:
            return "nobody answered"
        return "answered"

    session = start(main)
    assert comes_to(session, Status.FINISHED)
    assert (exit_of(session)["return_value"], session.pending) == ("nobody answered", [])


# Stopping.


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


def test_sweep_ends_what_is_owned_but_not_played(
    runner: Runner, writer: LogWriter, new_session: Callable[..., Session]
) -> None:
    """Only at the second sweep: at the first its run may just be on its way."""
    session = new_session(status=Status.RUNNING, owner="me")
    other = new_session(status=Status.RUNNING, owner="somebody else")
    runner.sweep()
    writer.submit(Write(session.id, {"status": Status.RUNNING})).result(SECONDS)
    runner.sweep()
    assert error_type(session) == "RunnerDied"
    other.refresh_from_db()
    assert other.status == Status.RUNNING
