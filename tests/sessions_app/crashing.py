"""Runner processes that die at a boundary of their choice, as by SIGKILL, and what becomes of their sessions.

A boundary is where a process may die with a difference: before and after each commit, hint and reply.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from uuid import UUID

from django.db import connection

from sessions_app.dispatch.recovery import release
from sessions_app.frames import Entry
from sessions_app.log_writer import Done, LogWriter
from sessions_app.models import Kind, LogEntry, Session, Status
from sessions_app.notifications import announce, to_message
from sessions_app.runner import Runner
from sessions_app.turnstile import OpenDoor, Turnstile
from sessions_app.write_queue import Batch, Job
from sessions_app.writes import FencedError, Hint
from tests.sessions_app.crash_apps import attempts
from tests.sessions_app.playing import APP_ID, ENTRY_POINT, entries
from tests.sessions_app.runners import SECONDS

SILENCE_SECONDS = 0.02  # after which a runner looks what it has missed

Publish = Callable[[list[Hint]], None]


class Crash(BaseException):
    """The process is no more."""


class CrashingWriter(LogWriter):
    """Dies at the boundary number `crash_at`, from 0; it has `passed` so many.

    From then on it writes, tells and settles nothing.
    """

    def __init__(self, publish: Publish, crash_at: float, died: Callable[[], object]) -> None:
        super().__init__(self._tell_hints)
        self._send = publish
        self._crash_at = crash_at
        self._died = died
        self._unsettled: list[Job] = []
        self._is_buried = threading.Event()
        self.passed = 0
        self.is_dead = False

    def crash_after(self, boundaries: int) -> None:
        """Die when it has passed so many more."""
        self._crash_at = self.passed + boundaries

    def bury(self) -> None:
        """Tell whoever still waits that nothing was written: to be called when its runs are over."""
        self._is_buried.set()

    def _run(self) -> None:
        try:
            super()._run()
        except Crash:
            self.is_dead = True
            self._died()
            self._is_buried.wait()
            self._refuse_all()

    def _refuse_all(self) -> None:
        self._refuse_each(self._unsettled)
        while batch := self._queue.take():
            self._refuse_each(job for jobs in batch.values() for job in jobs)
        connection.close()  # a run that could not be parked was looked up

    def _refuse_each(self, jobs: Iterable[Job]) -> None:
        super()._tell([Done([job], FencedError(job.session_id), None) for job in jobs])

    def _commit(self, gate: Turnstile | OpenDoor, batch: Batch) -> list[Done]:
        self._unsettled = [job for jobs in batch.values() for job in jobs]
        self._pass()
        done = super()._commit(gate, batch)
        self._pass()
        return done

    def _tell_hints(self, hints: list[Hint]) -> None:
        self._send(hints)
        self._pass()

    def _tell(self, done: list[Done]) -> None:
        super()._tell(done)
        self._unsettled = []
        self._pass()

    def _pass(self) -> None:
        if self.passed >= self._crash_at:
            raise Crash
        self.passed += 1


class Process:
    """A runner for all, one for suspects, and the writer with which both die."""

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop, writer: CrashingWriter) -> None:
        self._loop = loop
        self.writer = writer
        self.runners = [
            Runner(f"runner-{number}", writer, loop),
            Runner(f"cell-{number}", writer, loop, plays_suspects=True),
        ]
        writer.start()

    def advance(self, session_id: UUID) -> None:
        """Play a session, by whichever runner may: the other's claim is refused."""
        for runner in self.runners:
            runner.advance(session_id, APP_ID, ENTRY_POINT)

    def wake(self, session_id: UUID, answer: Entry) -> None:
        for runner in self.runners:
            runner.wake(session_id, answer)

    def halt(self, session_id: UUID) -> None:
        for runner in self.runners:
            runner.halt(session_id)

    def park(self) -> None:
        for runner in self.runners:
            runner.park_idle(0)

    def sweep(self) -> None:
        """Look for what was missed, as the runners and the keeper of the suspects do at intervals."""
        main, cell = self.runners
        main.sweep()
        cell.sweep()
        for suspect in Session.objects.unowned().filter(is_suspect=True):
            cell.advance(suspect.id, APP_ID, ENTRY_POINT)

    def held(self) -> Iterator[Session]:
        """The sessions that are its runners' in the database."""
        return Session.objects.filter(owner__in=[runner.name for runner in self.runners]).iterator()

    def end(self) -> None:
        """See to it that nothing of it is left."""
        for runner in self.runners:
            runner.release_all()
        self.writer.bury()
        for thread in threading.enumerate():
            if thread.name.startswith("run-"):
                thread.join(SECONDS)
                assert not thread.is_alive(), "a run outlives its process"
        asyncio.run_coroutine_threadsafe(tasks_end(), self._loop).result(SECONDS)
        self.writer.stop()


async def tasks_end() -> None:
    """Wait until the tasks of runs have come to their end."""
    runs = asyncio.all_tasks() - {asyncio.current_task()}
    if runs:
        await asyncio.wait(runs)


class Processes:
    """One process after the other: each dies at its boundary of `crashes`, and what comes after them lives.

    `web` is the writer of the web process, which does not die; `publish` gets the hints.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        web: LogWriter,
        publish: Publish,
        crashes: Iterable[float] = (),
    ) -> None:
        self.deaths = 0
        self._loop = loop
        self._web = web
        self._publish = publish
        self._crashes: Iterator[float] = iter(crashes)
        self._news: SimpleQueue[None] = SimpleQueue()
        self.current = self._next()

    def wait(self) -> None:
        """Until something has changed, or could have been missed: then the dead are replaced."""
        try:
            self._news.get(timeout=SILENCE_SECONDS)
        except Empty:
            self.current.sweep()
        if self.current.writer.is_dead:
            self._replace()

    def rest(self, session_id: UUID) -> Session:
        """The session as soon as it waits for its user, or has ended."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            session = Session.objects.get(id=session_id)
            assert session.status != Status.DIVERGED, session.divergence
            if session.is_ended or (session.status == Status.WAITING and session.pending):
                return session
            self.wait()
        raise AssertionError(f"Session {session_id} comes to no rest")

    def end(self) -> None:
        self.current.end()
        self.deaths += self.current.writer.is_dead

    def crash_after(self, boundaries: int, *later: int) -> None:
        """Have the process die after so many boundaries, and those that come after it as `later` says."""
        self._crashes = iter(later)
        self.current.writer.crash_after(boundaries)

    def _replace(self) -> None:
        """What the server does when a runner dies."""
        self.end()
        for session in self.current.held():
            self._web.submit(release(session)).result(SECONDS)
        self.current = self._next()
        self.current.sweep()

    def _next(self) -> Process:
        crash_at = next(self._crashes, math.inf)
        writer = CrashingWriter(self._hear, crash_at, lambda: self._news.put(None))
        return Process(self.deaths, self._loop, writer)

    def _hear(self, hints: list[Hint]) -> None:
        self._publish(hints)
        if any(hint.state for hint in hints):
            self._news.put(None)


def announcing(loop: asyncio.AbstractEventLoop) -> Publish:
    """Sends hints to the streams of this event loop."""

    def publish(hints: list[Hint]) -> None:
        for hint in hints:
            asyncio.run_coroutine_threadsafe(announce(to_message(hint)), loop)

    return publish


def check_log(session: Session) -> None:
    """No seq is missing; of a session that has ended the last entry is its one exit."""
    log = entries(session.id)
    assert [entry.seq for entry in log] == list(range(1, session.last_seq + 1))
    exits = [entry for entry in log if is_exit(entry)]
    assert exits == (log[-1:] if session.is_ended else [])
    assert [json.loads(entry.payload)["data"] for entry in exits] == ([session.exit] if exits else [])


def is_exit(entry: Entry | LogEntry) -> bool:
    return entry.kind == Kind.EVENT and json.loads(entry.payload)["block_type"] == "exit"


def check_steps(session: Session, copied: int = 0) -> None:
    """What is recorded of a step is its last attempt: it ran no more, nor in a fork that has `copied` it."""
    recorded = list(LogEntry.objects.filter(session=session.id, kind=Kind.STEP))
    assert len(recorded) == len({entry.step for entry in recorded})
    for entry in recorded:
        if found := re.search(r"attempt\D*(\d+)", entry.payload):
            last = 0 if entry.seq <= copied else int(found[1])
            assert attempts[f"{session.id}:{entry.step}"] == last, entry.payload
