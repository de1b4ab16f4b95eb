"""What apps print in a runner is kept by session, whichever thread or task of theirs printed it."""

from __future__ import annotations

import asyncio
import contextvars
import io
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import apps_app.dsl as yr
from sessions_app.exits import cancellation
from sessions_app.log_writer import LogWriter
from sessions_app.models import PrintedText, Session, Status
from sessions_app.printing import AppStream
from sessions_app.runner import Runner
from tests.deadline import until
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID
from tests.sessions_app.printed import kept, new_console, on
from tests.sessions_app.runners import Start, comes_to

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20.0
NewSession = Callable[..., Session]


@pytest.fixture
def console() -> io.TextIOWrapper:
    return new_console()


@pytest.fixture
def stream(console: io.TextIOWrapper) -> Any:
    """What stands for it, as `print` in an app finds it."""
    return AppStream(console)


def saved(save: Callable[[], None]) -> bool:
    save()
    return True


def test_it_can_be_read_while_the_session_waits(start: Start, stream: Any) -> None:
    def main() -> None:
        print("asking", file=stream)
        yr.text_input("Who?")

    assert comes_to(start(main), Status.WAITING)
    assert until(lambda: kept() == "asking\n")


def test_what_is_printed_at_the_end_is_kept(
    start: Start, runner: Runner, writer: LogWriter, stream: Any
) -> None:
    def main() -> None:
        try:
            yr.text_input("Who?")
        finally:
            print("unwinding", file=stream)

    session = start(main)
    assert comes_to(session, Status.WAITING)
    writer.submit(cancellation(session.id, APP_ID)).result(SECONDS)
    runner.halt(session.id)
    assert until(lambda: kept() == "unwinding\n")


def test_sweep_saves_what_a_busy_app_prints(start: Start, runner: Runner, stream: Any) -> None:
    go_on = threading.Event()

    def main() -> None:
        print("working", file=stream)
        assert go_on.wait(SECONDS)

    session = start(main)
    assert until(lambda: saved(runner.sweep) and kept() == "working\n")
    go_on.set()
    assert comes_to(session, Status.FINISHED)


def test_tasks_and_threads_of_an_async_app(start: Start, runner: Runner, stream: Any) -> None:
    async def main() -> None:
        async def other() -> None:
            print("task", file=stream)

        await asyncio.create_task(other())
        await asyncio.to_thread(stream.write, "thread\n")
        print("own", file=stream)

    assert comes_to(start(main), Status.FINISHED)
    assert until(lambda: kept() == "task\nthread\nown\n")


def test_what_outlives_its_run_is_swept(start: Start, runner: Runner, stream: Any) -> None:
    may_end = threading.Event()

    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, linger)

    def linger() -> None:
        assert may_end.wait(SECONDS)
        print("late", file=stream)

    assert comes_to(start(main), Status.FINISHED)
    may_end.set()
    assert until(lambda: saved(runner.sweep) and kept() == "late\n")


def test_sessions_are_kept_apart(start: Start, stream: Any, console: io.TextIOWrapper) -> None:
    both = threading.Barrier(2)
    names = iter("ab")

    def main() -> None:
        name = next(names)
        for _ in range(50):
            both.wait(SECONDS)
            print(name, file=stream)

    sessions = [start(main), start(main)]
    assert all(comes_to(session, Status.FINISHED) for session in sessions)
    assert until(
        lambda: sorted(PrintedText.objects.values_list("text", flat=True)) == ["a\n" * 50, "b\n" * 50]
    )
    assert sorted(on(console).split()) == sorted("ab" * 50)


def test_what_a_file_prints_while_it_does_not_load_is_kept(
    runner: Runner, stream: Any, app: SetApp, new_session: NewSession, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    file = tmp_path / "broken.py"
    file.write_text("print('loading')\nraise ValueError\n")
    session = new_session()
    runner.advance(session.id, APP_ID, f"{file}:main")
    assert comes_to(session, Status.FAILED)
    assert until(lambda: kept() == "loading\n")
