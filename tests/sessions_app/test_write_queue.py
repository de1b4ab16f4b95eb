"""What waits to be committed: in order, bounded per session, shared evenly."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions_app import write_queue
from sessions_app.write_queue import (
    COMMIT_BYTES,
    COMMIT_ENTRIES,
    PENDING_BYTES_PER_SESSION,
    PENDING_ENTRIES_PER_SESSION,
    WriteQueue,
)
from tests.deadline import until
from tests.sessions_app.queueing import (
    ONE,
    OTHER,
    SECONDS,
    SESSIONS,
    Call,
    Outcomes,
    drained,
    filled,
    new_job,
    put_all,
    put_each,
    taken_counts,
)


def test_jobs_of_a_session_stay_in_order(queue: WriteQueue, outcomes: Outcomes) -> None:
    put = [outcomes.job(ONE) for _ in range(10)]
    for job in put:
        queue.put(job, waits=True)
    assert all(first is second for first, second in zip(queue.take()[ONE], put, strict=True))


# Room.


def test_who_does_not_wait_is_not_bounded(queue: WriteQueue, outcomes: Outcomes) -> None:
    for _ in range(PENDING_ENTRIES_PER_SESSION + 1):
        queue.put(outcomes.job(ONE), waits=False)
    assert sum(len(batch[ONE]) for batch in drained(queue)) == PENDING_ENTRIES_PER_SESSION + 1


@pytest.mark.parametrize("bound", ["PENDING_ENTRIES_PER_SESSION", "PENDING_BYTES_PER_SESSION"])
def test_session_that_is_full_waits_and_only_it(
    queue: WriteQueue, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(write_queue, bound, 3)
    accepted: list[int] = []

    def flood() -> None:
        for number in range(10):
            queue.put(outcomes.job(ONE, size=1), waits=True)
            accepted.append(number)

    flooding = threading.Thread(target=flood)
    flooding.start()
    assert until(lambda: len(accepted) == 3)
    queue.put(outcomes.job(OTHER), waits=True)
    assert taken_counts(queue) == {ONE: 3, OTHER: 1}
    while len(accepted) < 10:
        queue.take()
    flooding.join(SECONDS)


@pytest.mark.parametrize(
    ("count", "size"),
    [
        (PENDING_ENTRIES_PER_SESSION, 2),
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
    assert sum(len(batch[ONE]) for batch in drained(queue)) == PENDING_ENTRIES_PER_SESSION + 3


def test_room_is_each_sessions_own(queue: WriteQueue) -> None:
    filled(queue)
    put_all(queue, [new_job(OTHER)])


# Shares.


def test_commit_is_bounded_in_bytes(
    queue: WriteQueue, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each session gets its share, and at least one job whatever its size."""
    monkeypatch.setattr(write_queue, "COMMIT_BYTES", 100)
    for size in (200, 20, 20, 20, 20):
        queue.put(outcomes.job(ONE, size), waits=True)
        queue.put(outcomes.job(OTHER, size), waits=True)
    assert [taken_counts(queue) for _ in range(3)] == [
        {ONE: 1, OTHER: 1},
        {ONE: 3, OTHER: 3},
        {ONE: 1, OTHER: 1},
    ]


@pytest.mark.parametrize(
    ("size", "share"), [(2, COMMIT_ENTRIES // 4), (COMMIT_BYTES // 16, 4), (COMMIT_BYTES, 1)]
)
def test_commit_is_shared_evenly(queue: WriteQueue, size: int, share: int) -> None:
    put_all(queue, [new_job(session_id, size) for session_id in SESSIONS] * COMMIT_ENTRIES, waits=False)
    assert taken_counts(queue) == dict.fromkeys(SESSIONS, share)


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
        assert sum(map(len, batch.values())) <= COMMIT_ENTRIES
        for jobs in batch.values():
            assert sum(job.size for job in jobs[:-1]) < COMMIT_BYTES // len(batch)
    for session_id in SESSIONS:
        taken = [id(job) for batch in batches for job in batch.get(session_id, ())]
        assert taken == [id(job) for job in put if job.session_id == session_id]


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
