"""What the tests of the runner wait for, and what they do in the web process's place."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import apps_app.dsl as yr
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, Session, Status
from sessions_app.runner import Runner
from sessions_app.writes import NewEntry, Write
from tests.deadline import until
from tests.sessions_app.playing import exit_of, interaction, shown

SECONDS = 20.0

Start = Callable[..., Session]


def is_running(runner: Runner) -> bool:
    """Whether some sync app still has its thread; a sweep interrupts those that should not."""
    runner.sweep()
    return any(thread.name.startswith("run-") for thread in threading.enumerate())


def running(loop: asyncio.AbstractEventLoop) -> list[str]:
    """The names of the threads and tasks of runs."""
    names = [thread.name for thread in threading.enumerate()]
    names += [task.get_name() for task in asyncio.all_tasks(loop)]
    return [name for name in names if name.startswith("run-")]


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
