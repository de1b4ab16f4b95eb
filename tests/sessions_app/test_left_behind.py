"""What an app leaves behind does no harm: tasks of an async app, and processes that it has forked."""

from __future__ import annotations

import asyncio
import fcntl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import apps_app.dsl as yr
from sessions_app.exits import cancellation
from sessions_app.log_writer import LogWriter
from sessions_app.models import LIVE, Session, Status
from sessions_app.runner import Runner
from sessions_app.turnstile import Turnstile
from tests.deadline import until
from tests.server import ROOT
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID, ENTRY_POINT

SECONDS = 20.0

Start = Callable[[], Session]

# Tasks.


class LeftBehind:
    """Work without end that apps start and do not wait for."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.cancelled = threading.Semaphore(0)

    async def work(self, inner: int = 0) -> None:
        """Also starts as many tasks of its own, one in the other."""
        tasks = [asyncio.create_task(self.work(inner - 1))] if inner else []
        self.begun.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.release()
            raise
        finally:
            del tasks


@pytest.fixture
def left_behind() -> LeftBehind:
    return LeftBehind()


@pytest.fixture
def runner(writer: LogWriter, loop: asyncio.AbstractEventLoop) -> Iterator[Runner]:
    runner = Runner("me", writer, loop)
    yield runner
    for session in Session.objects.filter(status__in=LIVE):
        cancel(writer, runner, session)


@pytest.fixture
def start(runner: Runner, new_session: Callable[..., Session]) -> Start:
    """Starts a session of the one app."""

    def start() -> Session:
        session = new_session()
        runner.advance(session.id, APP_ID, ENTRY_POINT)
        return session

    return start


def cancel(writer: LogWriter, runner: Runner, session: Session) -> None:
    writer.submit(cancellation(session.id, session.app_id)).result(SECONDS)
    runner.halt(session.id)


def comes_to(session: Session, status: Status) -> bool:
    return until(lambda: Session.objects.filter(id=session.id, status=status).exists())


async def return_from(left: LeftBehind) -> None:
    await asyncio.to_thread(left.begun.acquire, timeout=SECONDS)


async def raise_from(left: LeftBehind) -> None:
    await return_from(left)
    raise ValueError


async def exit_from(left: LeftBehind) -> None:
    await return_from(left)
    yr.exit(0)


async def interrupt_from(left: LeftBehind) -> None:
    await return_from(left)
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("leave", "status"),
    [
        (return_from, Status.FINISHED),
        (exit_from, Status.FINISHED),
        (raise_from, Status.FAILED),
        (interrupt_from, Status.FAILED),
    ],
)
def test_tasks_end_with_their_session(
    app: SetApp, start: Start, left_behind: LeftBehind, leave: Callable[..., Any], status: Status
) -> None:
    @app
    async def main() -> None:
        task = asyncio.create_task(left_behind.work())
        await leave(left_behind)
        assert not task.done()

    assert comes_to(start(), status)
    assert left_behind.cancelled.acquire(timeout=SECONDS)


def test_tasks_of_tasks_end_with_their_session(app: SetApp, start: Start, left_behind: LeftBehind) -> None:
    @app
    async def main() -> None:
        task = asyncio.create_task(left_behind.work(inner=2))
        for _ in range(3):
            await return_from(left_behind)
        del task

    assert comes_to(start(), Status.FINISHED)
    for _ in range(3):
        assert left_behind.cancelled.acquire(timeout=SECONDS)


def test_tasks_end_when_their_session_is_cancelled(
    app: SetApp, start: Start, runner: Runner, writer: LogWriter, left_behind: LeftBehind
) -> None:
    """While the app waits, and only that session's."""

    @app
    async def main() -> None:
        task = asyncio.create_task(left_behind.work())
        await yr.atext_input()
        await task

    sessions = [start(), start()]
    for session in sessions:
        assert comes_to(session, Status.WAITING)
        assert left_behind.begun.acquire(timeout=SECONDS)
    for session in sessions:
        cancel(writer, runner, session)
        assert left_behind.cancelled.acquire(timeout=SECONDS)
        assert not left_behind.cancelled.acquire(blocking=False)


# Processes.

# A process that never gives its turn back, and a forked child of it that lives until its input ends.
HOLDER = """
import os, signal, sys
from sessions_app.turnstile import Turnstile
with Turnstile(sys.argv[1]).turn():
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        os.read(0, 1)
        os._exit(0)
    signal.pause()
"""


def is_taken(database: Path) -> bool:
    """Whether somebody has the turn now."""
    with Path(f"{database}.turn").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_turn_is_free_when_its_holder_is_dead_though_a_child_of_it_lives(tmp_path: Path) -> None:
    database = tmp_path / "database"
    ours = Turnstile(str(database))
    had_it = threading.Event()

    def take_turn() -> None:
        with ours.turn():
            had_it.set()

    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        child = psutil.Process(int(holder.stdout.readline()))
        assert is_taken(database), "the fork alone frees nothing"
        holder.kill()
        holder.wait(SECONDS)
        threading.Thread(target=take_turn, daemon=True).start()
        assert had_it.wait(SECONDS)
        assert child.is_running()
    assert until(lambda: not is_taken(database))
    ours.close()
