"""Jobs for a write queue, and calls of it that may have to wait."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any
from uuid import UUID

from sessions_app.models import Kind
from sessions_app.write_queue import PENDING_ENTRIES_PER_SESSION, Job, WriteQueue
from sessions_app.writes import NewEntry, Write
from tests.deadline import until

SECONDS = 20.0
SESSIONS = [UUID(int=number) for number in range(4)]
ONE, OTHER = SESSIONS[:2]
REFUSAL = RuntimeError("disk full")


@cache
def payload(size: int) -> bytes:
    return bytes(size)  # one object, however many jobs have it


def new_job(
    session_id: UUID, size: int = 2, settle: Callable[[Any], None] = lambda _: None, **where: Any
) -> Job:
    entry = NewEntry(Kind.EVENT, payload(size))
    return Job(session_id, Write(session_id, where or {"epoch": 1}, [entry]), settle)


class Outcomes(list[Any]):
    """What jobs were settled with."""

    def job(self, session_id: UUID, size: int = 2, **where: Any) -> Job:
        return new_job(session_id, size, self.append, **where)


class Call:
    """A call of the queue in a thread of its own, which may have to wait."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._result: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._function()
        except Exception as error:
            self._result = error

    def result(self) -> Any:
        """What the call has given or raised."""
        self._thread.join(SECONDS)
        assert not self._thread.is_alive(), "the call waits for ever"
        return self._result

    def waits(self) -> bool:
        """Whether the call comes to wait for somebody else."""
        return until(lambda: self._stands_still() or not self._thread.is_alive()) and self._thread.is_alive()

    def _stands_still(self) -> bool:
        frame = sys._current_frames().get(self._thread.ident or 0)
        while frame is not None and frame.f_code is not threading.Condition.wait.__code__:
            frame = frame.f_back
        return frame is not None


def put_each(queue: WriteQueue, jobs: Iterable[Job], *, waits: bool = True) -> None:
    for job in jobs:
        queue.put(job, waits=waits)


def put_all(queue: WriteQueue, jobs: Iterable[Job], *, waits: bool = True) -> None:
    """Put what there is room for, so that nobody has to wait."""
    Call(partial(put_each, queue, jobs, waits=waits)).result()


def filled(queue: WriteQueue, count: int = PENDING_ENTRIES_PER_SESSION, size: int = 2) -> list[Job]:
    """Put as much of the first session as it has room for."""
    jobs = [new_job(ONE, size) for _ in range(count)]
    put_all(queue, jobs)
    return jobs


def drained(queue: WriteQueue) -> Iterator[dict[UUID, list[Job]]]:
    queue.close()
    while batch := queue.take():
        yield batch


def taken_counts(queue: WriteQueue) -> dict[UUID, int]:
    """How many jobs of each session the next commit gets."""
    return {session_id: len(jobs) for session_id, jobs in queue.take().items()}
