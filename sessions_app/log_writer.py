"""The group-commit writer: one thread and one kept connection a process, many sessions a commit.

Invariant 2 is kept here: a hint leaves after the commit of what it shows.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction

from sessions_app import event_log
from sessions_app.event_log import FencedError, Hint, Position, Write
from sessions_app.models import Session
from sessions_app.turnstile import OpenDoor, Turnstile, turnstile

log = logging.getLogger(__name__)

PENDING_WRITES_PER_SESSION = 256  # beyond it the app waits: the bound is the others' latency
COMMIT_WRITES = 512  # of one commit, shared evenly among the sessions that have something to write


@dataclass(slots=True)
class Job:
    """A write, or a new session's row, on its way; `settle` is told what came of it."""

    session_id: UUID
    work: Write | Session
    settle: Callable[[Position | Exception], None]


Batch = dict[UUID, list[Job]]


class LogWriter:
    """Writes sessions. `publish` gets each commit's hints, in this writer's thread."""

    def __init__(self, publish: Callable[[list[Hint]], None]) -> None:
        self._publish = publish
        self._pending: dict[UUID, deque[Job]] = {}
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what is pending, then end the thread and its connection."""
        with self._lock:
            self._stopping = True
            self._ready.notify()
        self._thread.join()

    def put(self, write: Write, settle: Callable[[Position | Exception], None]) -> None:
        """Queue a write; waits while its session has too many. `settle` runs in the writer's thread."""
        self._enqueue(Job(write.session_id, write, settle))

    def submit(self, work: Write | Session) -> Future[Position]:
        """Queue a write or a new session. The future raises FencedError, or the database's error."""
        future: Future[Position] = Future()
        future.set_running_or_notify_cancel()  # whoever gives up waiting cannot call it back

        def settle(outcome: Position | Exception) -> None:
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        session_id = work.id if isinstance(work, Session) else work.session_id
        self._enqueue(Job(session_id, work, settle))
        return future

    def _enqueue(self, job: Job) -> None:
        with self._lock:
            while len(self._pending.get(job.session_id, ())) >= PENDING_WRITES_PER_SESSION:
                self._room.wait()
            if self._stopping:
                raise RuntimeError("The log writer has stopped.")
            self._pending.setdefault(job.session_id, deque()).append(job)
            self._ready.notify()

    def _run(self) -> None:
        gate = turnstile(connection)
        try:
            while batch := self._take():
                self._write(gate, batch)
        finally:
            gate.close()
            connection.close()

    def _take(self) -> Batch:
        """The next commit's jobs, an even share of every session's; empty when stopped and done."""
        with self._lock:
            while not self._pending and not self._stopping:
                self._ready.wait()
            share = max(1, COMMIT_WRITES // max(1, len(self._pending)))
            batch = {}
            for session_id, jobs in list(self._pending.items()):
                batch[session_id] = [jobs.popleft() for _ in range(min(share, len(jobs)))]
                if not jobs:
                    del self._pending[session_id]
            self._room.notify_all()
            return batch

    def _write(self, gate: Turnstile | OpenDoor, batch: Batch) -> None:
        """Commit a batch; where the database refuses it, try what could still be saved of it."""
        try:
            done = _commit(gate, batch)
        except (OperationalError, InterfaceError) as error:
            log.exception("The database refused a commit of %d sessions; trying once more.", len(batch))
            connection.close()
            self._last_try(gate, batch, error)
        except Exception as error:
            log.exception("A commit of %d sessions failed.", len(batch))
            if len(batch) == 1:
                self._refuse(batch, error)
                return
            # One bad session must not spoil the others' commit.
            for session_id, jobs in batch.items():
                self._write(gate, {session_id: jobs})
        else:
            self._tell(done)

    def _last_try(self, gate: Turnstile | OpenDoor, batch: Batch, error: Exception) -> None:
        try:
            done = _commit(gate, batch)
        except Exception:
            log.exception(
                "The database refused a commit of %d sessions again; nothing of it is kept.", len(batch)
            )
            connection.close()
            self._refuse(batch, error)
        else:
            self._tell(done)

    def _tell(self, done: list[Done]) -> None:
        """The commit stands, whatever comes of telling it."""
        hints = [each.hint for each in done if each.hint is not None]
        try:
            if hints:
                self._publish(hints)
        except Exception:
            log.exception("No hints left for %d sessions; streams read the log.", len(hints))
        for each in done:
            _settle(each.jobs, each.outcome)

    def _refuse(self, batch: Batch, error: Exception) -> None:
        """Keep nothing of these sessions, nor what waits behind it: a log has no hole."""
        for session_id, jobs in batch.items():
            _settle(jobs, error)
            with self._lock:
                waiting = self._pending.pop(session_id, ())
                self._room.notify_all()
            _settle(waiting, error)


class Done(NamedTuple):
    """What came of jobs that were carried out as one."""

    jobs: list[Job]
    outcome: Position | Exception
    hint: Hint | None


def _commit(gate: Turnstile | OpenDoor, batch: Batch) -> list[Done]:
    with gate.turn(), transaction.atomic():
        return [Done(group, *_carry_out(group)) for jobs in batch.values() for group in _groups(jobs)]


def _settle(jobs: Iterable[Job], outcome: Position | Exception) -> None:
    for job in jobs:
        try:
            job.settle(outcome)
        except Exception:
            log.exception("Session %s could not be told what came of a write.", job.session_id)


def _groups(jobs: Iterable[Job]) -> list[list[Job]]:
    """Jobs of one session, in order, those together that can be one update."""
    groups: list[list[Job]] = []
    for job in jobs:
        if groups and _joins(job.work, groups[-1][-1].work):
            groups[-1].append(job)
        else:
            groups.append([job])
    return groups


def _joins(later: Write | Session, earlier: Write | Session) -> bool:
    return isinstance(later, Write) and isinstance(earlier, Write) and later.joins(earlier)


def _carry_out(group: list[Job]) -> tuple[Position | Exception, Hint | None]:
    work = group[0].work
    if isinstance(work, Session):
        event_log.create(work)
        return Position(0, 0, 0, 0), None
    try:
        position, hint = event_log.apply(
            event_log.join([job.work for job in group if isinstance(job.work, Write)])
        )
    except FencedError as error:
        return error, None
    return position, hint if hint.segments or hint.state else None
