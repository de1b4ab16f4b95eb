"""What waits to be committed: a line a session, bounded, of which each commit takes an even share."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from uuid import UUID

from sessions_app.writes import NewEntry, Position, Printed, Work, Write

# Beyond either an app waits: the bound is every other session's latency.
PENDING_ENTRIES_PER_SESSION = 512
PENDING_BYTES_PER_SESSION = 1024 * 1024
# Of one commit, shared evenly among the sessions that have something to write.
COMMIT_ENTRIES = 512
COMMIT_BYTES = 4 * 1024 * 1024


class WriterStoppedError(RuntimeError):
    """The process ends: nothing more is written."""

    def __init__(self) -> None:
        super().__init__("The log writer has stopped.")


@dataclass(slots=True, eq=False)
class Job:
    """A piece of work on its way, of `size` bytes; `settle` is told what came of it."""

    session_id: UUID
    work: Work
    settle: Callable[[Position | Exception], None]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = self.work.size if isinstance(self.work, Write | Printed) else 0

    @property
    def entries(self) -> int:
        """How many it writes; work without entries counts as one."""
        return max(1, len(self.work.entries)) if isinstance(self.work, Write) else 1

    @property
    def epoch(self) -> int | None:
        """The epoch that it is written under, for a run's writes."""
        return self.work.where.get("epoch") if isinstance(self.work, Write) else None


@dataclass(slots=True, eq=False)
class GrowingJob(Job):
    """A write of nothing but entries, which takes more of them as long as it is the last in its line.

    So a flood makes few jobs. Commits may take it in parts: `settle` is told of each.
    """

    work: Write
    line: Line | None = field(default=None, init=False)  # in which it is the last

    def cut(self, entries: int, size: int) -> Job:
        """Its beginning: up to so many entries, or to the one with which they come to `size` bytes.

        One is left at least.
        """
        count = taken = 0
        while count < min(entries, len(self.work.entries) - 1) and taken < size:
            taken += len(self.work.entries[count].payload)
            count += 1
        head = Job(self.session_id, replace(self.work, entries=self.work.entries[:count]), self.settle)
        del self.work.entries[:count]
        self.size -= head.size
        return head


class Line:
    """What waits of one session, in order."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._entries = self._bytes = 0

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def is_full(self) -> bool:
        return self._entries >= PENDING_ENTRIES_PER_SESSION or self._bytes >= PENDING_BYTES_PER_SESSION

    def put(self, job: Job) -> None:
        self._close()
        self._jobs.append(job)
        self._count(job, 1)
        if isinstance(job, GrowingJob):
            job.line = self

    def extend(self, job: GrowingJob, entry: NewEntry) -> None:
        size = len(entry.payload)
        job.work.entries.append(entry)
        job.size += size
        self._entries += 1
        self._bytes += size

    def take(self, entries: int, size: int) -> list[Job]:
        """Up to so many entries, at least one; no more once they come to `size` bytes."""
        taken: list[Job] = []
        while self._jobs and (entries > 0 and size > 0 or not taken):
            job = self._next(max(1, entries), size)
            self._count(job, -1)
            entries -= job.entries
            size -= job.size
            taken.append(job)
        return taken

    def drop(self, is_dropped: Callable[[Job], bool]) -> list[Job]:
        """Let go of these jobs."""
        self._close()
        dropped = [job for job in self._jobs if is_dropped(job)]
        self._jobs = deque(job for job in self._jobs if not is_dropped(job))
        for job in dropped:
            self._count(job, -1)
        return dropped

    def _next(self, entries: int, size: int) -> Job:
        """The first job, or a part of it where it is too much and can be cut."""
        job = self._jobs[0]
        if isinstance(job, GrowingJob) and job.entries > 1 and (job.entries > entries or job.size > size):
            return job.cut(entries, size)
        if len(self._jobs) == 1:
            self._close()
        return self._jobs.popleft()

    def _close(self) -> None:
        """The last job grows no more: it is taken, or another comes behind it."""
        if self._jobs and isinstance(job := self._jobs[-1], GrowingJob):
            job.line = None

    def _count(self, job: Job, sign: int) -> None:
        self._entries += sign * job.entries
        self._bytes += sign * job.size


Batch = dict[UUID, list[Job]]


class WriteQueue:
    """Filled by any thread, emptied by the writer's."""

    def __init__(self) -> None:
        self._lines: dict[UUID, Line] = {}
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
                self._lines.setdefault(job.session_id, Line()).put(job)
                self._ready.notify()
        if refusal is not None:
            job.settle(refusal)

    def extend(self, job: GrowingJob, entry: NewEntry) -> bool:
        """Add an entry to a job that still grows and has room; else it takes another job."""
        with self._lock:
            line = job.line
            if line is None or line.is_full or self._is_closed:
                return False
            line.extend(job, entry)
            return True

    def take(self) -> Batch:
        """The next commit's jobs, by session id; waits for some, and is empty when closed and done."""
        with self._lock:
            while not self._lines and not self._is_closed:
                self._ready.wait()
            sessions = len(self._lines) or 1
            # In the order of the ids, so that two writers lock their rows in the same order.
            batch = {session_id: self._take(session_id, sessions) for session_id in sorted(self._lines)}
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
                if line := self._lines.get(session_id):
                    refused += line.drop(lambda job: self._refusal(job) is not None)
                    self._keep(session_id, line)
            self._room.notify_all()
        return refused

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._ready.notify()
            self._room.notify_all()

    def _is_full(self, session_id: UUID) -> bool:
        return not self._is_closed and session_id in self._lines and self._lines[session_id].is_full

    def _refusal(self, job: Job) -> Exception | None:
        epoch, error = self._refused.get(job.session_id, (None, None))
        return error if epoch is not None and epoch == job.epoch else None

    def _take(self, session_id: UUID, sessions: int) -> list[Job]:
        line = self._lines[session_id]
        taken = line.take(COMMIT_ENTRIES // sessions, COMMIT_BYTES // sessions)
        self._keep(session_id, line)
        return taken

    def _keep(self, session_id: UUID, line: Line) -> None:
        if not line:
            del self._lines[session_id]
