"""What waits to be committed: a queue a session, bounded, of which each commit takes an even share."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from sessions_app.writes import Position, Printed, Work, Write

# Beyond either an app waits: the bound is every other session's latency.
PENDING_WRITES_PER_SESSION = 256
PENDING_BYTES_PER_SESSION = 1024 * 1024
# Of one commit, shared evenly among the sessions that have something to write.
COMMIT_WRITES = 512
COMMIT_BYTES = 4 * 1024 * 1024


class WriterStoppedError(RuntimeError):
    """The process ends: nothing more is written."""

    def __init__(self) -> None:
        super().__init__("The log writer has stopped.")


@dataclass(slots=True)
class Job:
    """A piece of work on its way; `settle` is told what came of it."""

    session_id: UUID
    work: Work
    settle: Callable[[Position | Exception], None]

    @property
    def size(self) -> int:
        return self.work.size if isinstance(self.work, Write | Printed) else 0

    @property
    def epoch(self) -> int | None:
        """The epoch that it is written under, for a run's writes."""
        return self.work.where.get("epoch") if isinstance(self.work, Write) else None


Batch = dict[UUID, list[Job]]


class WriteQueue:
    """Filled by any thread, emptied by the writer's."""

    def __init__(self) -> None:
        self._jobs: dict[UUID, deque[Job]] = {}
        self._bytes: dict[UUID, int] = {}
        self._refused: dict[UUID, tuple[int, Exception]] = {}  # as many as a broken database made of them
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._is_closed = False

    def put(self, job: Job, *, waits: bool) -> None:
        """Queue a job; with `waits`, only when its session has room.

        A job of an epoch that was refused is settled with that refusal; raises WriterStoppedError.
        """
        with self._lock:
            while waits and self._is_full(job.session_id):
                self._room.wait()
            if self._is_closed:
                raise WriterStoppedError
            refusal = self._refusal(job)
            if refusal is None:
                self._jobs.setdefault(job.session_id, deque()).append(job)
                self._bytes[job.session_id] = self._bytes.get(job.session_id, 0) + job.size
                self._ready.notify()
        if refusal is not None:
            job.settle(refusal)

    def take(self) -> Batch:
        """The next commit's jobs, by session id; waits for some, and is empty when closed and done."""
        with self._lock:
            while not self._jobs and not self._is_closed:
                self._ready.wait()
            sessions = len(self._jobs) or 1
            # In the order of the ids, so that two writers lock their rows in the same order.
            batch = {session_id: self._pop(session_id, sessions) for session_id in sorted(self._jobs)}
            self._room.notify_all()
            return batch

    def refuse(self, jobs: Collection[Job], error: Exception) -> list[Job]:
        """Take no more of the epochs that these jobs were written under; those that waited behind them.

        Otherwise what a run had queued, or was about to queue, would come after a hole.
        """
        refused = []
        with self._lock:
            for job in jobs:
                if job.epoch is not None:
                    self._refused[job.session_id] = (job.epoch, error)
            for session_id in {job.session_id for job in jobs}:
                waiting = self._jobs.get(session_id, deque())
                refused += [job for job in waiting if self._refusal(job)]
                self._keep(session_id, deque(job for job in waiting if not self._refusal(job)))
            self._room.notify_all()
        return refused

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._ready.notify()
            self._room.notify_all()

    def _is_full(self, session_id: UUID) -> bool:
        if self._is_closed or session_id not in self._jobs:
            return False
        is_long = len(self._jobs[session_id]) >= PENDING_WRITES_PER_SESSION
        return is_long or self._bytes[session_id] >= PENDING_BYTES_PER_SESSION

    def _refusal(self, job: Job) -> Exception | None:
        epoch, error = self._refused.get(job.session_id, (None, None))
        return error if epoch is not None and epoch == job.epoch else None

    def _pop(self, session_id: UUID, sessions: int) -> list[Job]:
        jobs = self._jobs[session_id]
        taken = [jobs.popleft()]
        size = taken[0].size
        while jobs and len(taken) < COMMIT_WRITES // sessions and size < COMMIT_BYTES // sessions:
            taken.append(jobs.popleft())
            size += taken[-1].size
        self._keep(session_id, jobs)
        return taken

    def _keep(self, session_id: UUID, jobs: deque[Job]) -> None:
        if jobs:
            self._jobs[session_id] = jobs
            self._bytes[session_id] = sum(job.size for job in jobs)
        else:
            self._jobs.pop(session_id, None)
            self._bytes.pop(session_id, None)
