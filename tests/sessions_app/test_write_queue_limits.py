"""The write queue at its real limits: who waits, for what, and what becomes of who waited."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions_app.models import Kind
from sessions_app.write_queue import (
    COMMIT_BYTES,
    COMMIT_WRITES,
    PENDING_BYTES_PER_SESSION,
    PENDING_WRITES_PER_SESSION,
    Job,
    WriteQueue,
)
from sessions_app.writes import NewEntry, Position, Write
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


@pytest.fixture
def queue() -> Iterator[WriteQueue]:
    queue = WriteQueue()
    yield queue
    queue.close()


def put_each(queue: WriteQueue, jobs: Iterable[Job], *, waits: bool = True) -> None:
    for job in jobs:
        queue.put(job, waits=waits)


def put_all(queue: WriteQueue, jobs: Iterable[Job], *, waits: bool = True) -> None:
    """Put what there is room for, so that nobody has to wait."""
    Call(partial(put_each, queue, jobs, waits=waits)).result()


def filled(queue: WriteQueue, count: int = PENDING_WRITES_PER_SESSION, size: int = 2) -> list[Job]:
    """Put as much of the first session as it has room for."""
    jobs = [new_job(ONE, size) for _ in range(count)]
    put_all(queue, jobs)
    return jobs


# Room.


@pytest.mark.parametrize(
    ("count", "size"),
    [
        (PENDING_WRITES_PER_SESSION, 2),
        (4, PENDING_BYTES_PER_SESSION // 4),
        (1, PENDING_BYTES_PER_SESSION),
        (1, COMMIT_BYTES),
    ],
)
def test_full_session_waits_until_some_is_taken(queue: WriteQueue, count: int, size: int) -> None:
    before = filled(queue, count, size)
    last = new_job(ONE)
    put = Call(lambda: queue.put(last, waits=True))
    assert put.waits()
    assert list(map(id, queue.take()[ONE])) == list(map(id, before))
    put.result()
    (taken,) = queue.take()[ONE]
    assert taken is last


def test_who_does_not_wait_never_does(queue: WriteQueue) -> None:
    filled(queue)
    put_all(queue, [new_job(ONE, COMMIT_BYTES)] * 3, waits=False)
    assert sum(len(batch[ONE]) for batch in drained(queue)) == PENDING_WRITES_PER_SESSION + 3


def test_room_is_each_sessions_own(queue: WriteQueue) -> None:
    filled(queue)
    put_all(queue, [new_job(OTHER)])


# Shares.


def drained(queue: WriteQueue) -> Iterator[dict[UUID, list[Job]]]:
    queue.close()
    while batch := queue.take():
        yield batch


@pytest.mark.parametrize(
    ("size", "share"), [(2, COMMIT_WRITES // 4), (COMMIT_BYTES // 16, 4), (COMMIT_BYTES, 1)]
)
def test_commit_is_shared_evenly(queue: WriteQueue, size: int, share: int) -> None:
    put_all(queue, [new_job(session_id, size) for session_id in SESSIONS] * COMMIT_WRITES, waits=False)
    assert {session_id: len(jobs) for session_id, jobs in queue.take().items()} == dict.fromkeys(
        SESSIONS, share
    )


floods = st.tuples(
    st.sampled_from(SESSIONS), st.sampled_from([1, 7, 300]), st.sampled_from([0, 2, COMMIT_BYTES // 8])
)


@settings(deadline=None)
@given(st.lists(floods, max_size=6))
def test_all_is_taken_once_in_order_and_in_bounds(floods: list[tuple[UUID, int, int]]) -> None:
    queue = WriteQueue()
    put = [new_job(session_id, size) for session_id, count, size in floods for _ in range(count)]
    put_all(queue, put, waits=False)
    batches = list(drained(queue))
    for batch in batches:
        assert list(batch) == sorted(batch), "two writers would lock their rows crosswise"
        assert sum(map(len, batch.values())) <= COMMIT_WRITES
        for jobs in batch.values():
            assert sum(job.size for job in jobs[:-1]) < COMMIT_BYTES // len(batch)
    for session_id in SESSIONS:
        taken = [id(job) for batch in batches for job in batch.get(session_id, ())]
        assert taken == [id(job) for job in put if job.session_id == session_id]


# Refusal.


@pytest.mark.parametrize(("epoch", "is_refused"), [(1, True), (2, False)])
def test_put_that_waits_during_a_refusal(queue: WriteQueue, epoch: int, is_refused: bool) -> None:
    """Of the refused epoch, it is settled like what had been queued; of the next owner's, it goes on."""
    outcomes: list[Position | Exception] = []
    waiting = filled(queue)
    late = new_job(ONE, settle=outcomes.append, epoch=epoch)
    put = Call(lambda: queue.put(late, waits=True))
    assert put.waits()
    assert list(map(id, queue.refuse([new_job(ONE)], REFUSAL))) == list(map(id, waiting))
    put.result()
    assert outcomes == [REFUSAL] * is_refused
    assert sum(map(len, (batch[ONE] for batch in drained(queue)))) == (not is_refused)


def test_refusal_meets_one_epoch_of_one_session(queue: WriteQueue) -> None:
    outcomes: list[Position | Exception] = []

    jobs = [
        new_job(ONE, settle=outcomes.append, epoch=2),
        new_job(ONE, settle=outcomes.append, status="waiting"),
        new_job(OTHER, settle=outcomes.append),
    ]
    put_all(queue, jobs)
    assert queue.refuse([new_job(ONE)], REFUSAL) == []
    put_all(queue, jobs)
    assert {session_id: len(jobs) for session_id, jobs in queue.take().items()} == {ONE: 4, OTHER: 2}
    assert outcomes == []


def test_refused_write_without_an_epoch_refuses_nothing_else(queue: WriteQueue) -> None:
    """An answer or a cancellation that the database refused says nothing of the run."""
    filled(queue, 3)
    assert queue.refuse([new_job(ONE, status="waiting")], REFUSAL) == []
    put_all(queue, [new_job(ONE), new_job(ONE, status="waiting")])
    assert len(queue.take()[ONE]) == 5


# The end.


def test_close_ends_every_wait(queue: WriteQueue) -> None:
    filled(queue)
    put = Call(lambda: queue.put(new_job(ONE), waits=True))
    assert put.waits()
    queue.close()
    assert isinstance(put.result(), RuntimeError)
    assert [len(batch[ONE]) for batch in drained(queue)] == [PENDING_WRITES_PER_SESSION]


def test_writer_that_waits_for_work_gets_none_when_closed(queue: WriteQueue) -> None:
    take = Call(queue.take)
    assert take.waits()
    queue.close()
    assert take.result() == {}


def test_any_number_of_threads_loses_nothing(queue: WriteQueue) -> None:
    """Four floods against one writer, each of them beyond its room."""
    floods = [Call(partial(put_each, queue, [new_job(session_id)] * 1000)) for session_id in SESSIONS]
    taken: Counter[UUID] = Counter()
    while taken.total() < 4000:
        for session_id, jobs in Call(queue.take).result().items():
            taken[session_id] += len(jobs)
    for flood in floods:
        flood.result()
    assert taken == dict.fromkeys(SESSIONS, 1000)
