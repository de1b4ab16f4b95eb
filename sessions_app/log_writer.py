"""The group-commit writer: one thread and one kept connection a process, many sessions a commit.

Invariant 2 is kept here: a hint leaves after the commit of what it shows.
"""

from __future__ import annotations

import datetime
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import NamedTuple

from django.db import connection, reset_queries, transaction
from django.utils import timezone

from sessions_app import event_log, log_copy
from sessions_app.database import UNAVAILABLE
from sessions_app.models import PrintedText, Session
from sessions_app.outage import Outage
from sessions_app.turnstile import OpenDoor, Turnstile, turnstile
from sessions_app.write_queue import Batch, GrowingJob, Job, WriteQueue
from sessions_app.writes import (
    FencedError,
    Fork,
    Hint,
    NewEntry,
    Position,
    Printed,
    Removal,
    Work,
    Write,
    join,
    session_of,
)

log = logging.getLogger(__name__)

# From the beginning of a commit of several sessions to that of the next: what it costs is shared.
GATHER_SECONDS = 0.005


class LogWriter:
    """Writes sessions. `publish` gets each commit's hints, in this writer's thread."""

    def __init__(self, publish: Callable[[list[Hint]], None]) -> None:
        self._publish = publish
        self._queue = WriteQueue()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._waiting_since: float | None = None
        self._outage = Outage()

    @property
    def waited_seconds(self) -> float:
        """How long it has been waiting for its turn to write; 0 if it is not."""
        since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def refusal(self) -> Exception | None:
        """Why the database took nothing of the latest commit, if that is not long ago."""
        return self._outage.recent

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what is pending, then end the thread and its connection."""
        self._queue.close()
        self._thread.join()

    def put(self, work: Work, settle: Callable[[Position | Exception], None], *, waits: bool = True) -> None:
        """Queue some work; waits while its session has too much. `settle` runs in the writer's thread."""
        self._queue.put(Job(session_of(work), work, settle), waits=waits)

    def put_growing(self, write: Write, settle: Callable[[Position | Exception], None]) -> GrowingJob:
        """Queue a write of entries alone, as `put` does; `grow` may add more to it."""
        job = GrowingJob(write.session_id, write, settle)
        self._queue.put(job, waits=True)
        return job

    def grow(self, job: GrowingJob, entry: NewEntry) -> bool:
        """Have a queued job write this entry, too; False where that takes another job."""
        return self._queue.extend(job, entry)

    def submit(self, work: Work) -> Future[Position]:
        """Queue a piece of work, without waiting; for an event loop, whose callers are few.

        The future raises FencedError, or the database's error.
        """
        future: Future[Position] = Future()
        future.set_running_or_notify_cancel()  # whoever gives up waiting cannot call it back

        def settle(outcome: Position | Exception) -> None:
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self._queue.put(Job(session_of(work), work, settle), waits=False)
        return future

    def _run(self) -> None:
        gate = turnstile(connection)
        try:
            while batch := self._queue.take():
                began = time.monotonic()
                self._write(gate, batch)
                if len(batch) > 1:  # so many write at once that more will in a moment
                    time.sleep(max(0.0, began + GATHER_SECONDS - time.monotonic()))
                if connection.queries_logged:
                    reset_queries()  # with DEBUG, Django keeps every statement
        finally:
            gate.close()
            connection.close()

    def _write(self, gate: Turnstile | OpenDoor, batch: Batch) -> None:
        """Commit a batch; where the database refuses it, try what could still be saved of it."""
        try:
            done = self._commit(gate, batch)
        except UNAVAILABLE as error:
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
        """Once more, over a new connection, unless that has not helped of late."""
        if self._outage.is_on:
            self._outage.refused(error)
            self._refuse(batch, error)
            return
        log.warning("The database refused a commit of %d sessions, trying once more: %s", len(batch), error)
        try:
            done = self._commit(gate, batch)
        except Exception as again:
            connection.close()
            self._outage.refused(again)
            self._refuse(batch, error)
        else:
            self._tell(done)

    def _tell(self, done: list[Done]) -> None:
        """The commit stands, whatever comes of telling it."""
        if any(isinstance(each.outcome, Position) for each in done):  # else nothing had to be written
            self._outage.passed()
        hints = [each.hint for each in done if each.hint is not None]
        try:
            if hints:
                self._publish(hints)
        except Exception:
            log.exception("No hints left for %d sessions; streams read the log.", len(hints))
        for each in done:
            _settle(each.jobs, each.outcome)

    def _refuse(self, batch: Batch, error: Exception) -> None:
        """Keep nothing of these jobs, nor of what their runs have to say after them: a log has no hole."""
        for jobs in batch.values():
            waiting = self._queue.refuse(jobs, error)
            _settle([*jobs, *waiting], error)

    def _commit(self, gate: Turnstile | OpenDoor, batch: Batch) -> list[Done]:
        self._waiting_since = time.monotonic()
        with gate.turn(), transaction.atomic():
            self._waiting_since = None
            now = timezone.now()
            return [
                Done(group, *_carry_out(group, now)) for jobs in batch.values() for group in _groups(jobs)
            ]


class Done(NamedTuple):
    """What came of jobs that were carried out as one."""

    jobs: list[Job]
    outcome: Position | Exception
    hint: Hint | None


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


def _joins(later: Work, earlier: Work) -> bool:
    return isinstance(later, Write) and isinstance(earlier, Write) and later.joins(earlier)


def _carry_out(group: list[Job], now: datetime.datetime) -> tuple[Position | Exception, Hint | None]:
    work = group[0].work
    try:
        match work:
            case Session():
                event_log.create(work)
            case Fork():
                log_copy.fork(work)
            case Removal():
                event_log.remove(work)
            case Printed():
                PrintedText.objects.append(work.session_id, work.text, work.limit)
            case Write():
                joined = join([job.work for job in group if isinstance(job.work, Write)])
                position, hint = event_log.apply(joined, now)
                return position, hint if hint.last_seq > hint.after or hint.state else None
    except FencedError as error:
        return error, None
    return Position(0, 0, 0, 0), None
