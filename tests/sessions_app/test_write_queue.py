"""What waits to be committed: bounded per session, shared evenly, and nothing after a refusal."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest

from sessions_app import write_queue
from sessions_app.models import Kind
from sessions_app.write_queue import PENDING_WRITES_PER_SESSION, Job, WriteQueue
from sessions_app.writes import NewEntry, Write
from tests.deadline import until

SECONDS = 20.0
FLOOD, QUIET = UUID(int=1), UUID(int=2)


class Outcomes(list[Any]):
    """What jobs were settled with."""

    def job(self, session_id: UUID, size: int = 2, **where: Any) -> Job:
        entry = NewEntry(Kind.EVENT, b"x" * size)
        return Job(session_id, Write(session_id, where or {"epoch": 1}, [entry]), self.append)


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def jobs() -> WriteQueue:
    return WriteQueue()


def taken(jobs: WriteQueue) -> dict[UUID, int]:
    return {session_id: len(batch) for session_id, batch in jobs.take().items()}


def test_jobs_of_a_session_stay_in_order(jobs: WriteQueue, outcomes: Outcomes) -> None:
    put = [outcomes.job(FLOOD) for _ in range(10)]
    for job in put:
        jobs.put(job, waits=True)
    assert all(first is second for first, second in zip(jobs.take()[FLOOD], put, strict=True))


def test_who_does_not_wait_is_not_bounded(jobs: WriteQueue, outcomes: Outcomes) -> None:
    for _ in range(PENDING_WRITES_PER_SESSION + 1):
        jobs.put(outcomes.job(FLOOD), waits=False)
    assert taken(jobs) == {FLOOD: PENDING_WRITES_PER_SESSION + 1}


@pytest.mark.parametrize("bound", ["PENDING_WRITES_PER_SESSION", "PENDING_BYTES_PER_SESSION"])
def test_session_that_is_full_waits_and_only_it(
    jobs: WriteQueue, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(write_queue, bound, 3)
    accepted: list[int] = []

    def flood() -> None:
        for number in range(10):
            jobs.put(outcomes.job(FLOOD, size=1), waits=True)
            accepted.append(number)

    flooding = threading.Thread(target=flood)
    flooding.start()
    assert until(lambda: len(accepted) == 3)
    jobs.put(outcomes.job(QUIET), waits=True)
    assert taken(jobs) == {FLOOD: 3, QUIET: 1}
    while len(accepted) < 10:
        jobs.take()
    flooding.join(SECONDS)


def test_commit_is_bounded_in_bytes(
    jobs: WriteQueue, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each session gets its share, and at least one job whatever its size."""
    monkeypatch.setattr(write_queue, "COMMIT_BYTES", 100)
    for size in (200, 20, 20, 20, 20):
        jobs.put(outcomes.job(FLOOD, size), waits=True)
        jobs.put(outcomes.job(QUIET, size), waits=True)
    assert [taken(jobs) for _ in range(3)] == [
        {FLOOD: 1, QUIET: 1},
        {FLOOD: 3, QUIET: 3},
        {FLOOD: 1, QUIET: 1},
    ]


def test_nothing_of_a_refused_epoch_follows(jobs: WriteQueue, outcomes: Outcomes) -> None:
    """Neither what waits nor what comes; other sessions, owners and the user's own writes go on."""
    error = RuntimeError("disk full")
    jobs.put(outcomes.job(FLOOD), waits=True)
    refused = jobs.take()[FLOOD]
    waiting = outcomes.job(FLOOD)
    jobs.put(waiting, waits=True)
    jobs.put(outcomes.job(FLOOD, status="waiting"), waits=True)
    (also_refused,) = jobs.refuse(refused, error)
    assert also_refused is waiting
    jobs.put(outcomes.job(FLOOD), waits=True)
    assert outcomes == [error]
    jobs.put(outcomes.job(FLOOD, epoch=2), waits=True)
    jobs.put(outcomes.job(QUIET), waits=True)
    assert taken(jobs) == {FLOOD: 2, QUIET: 1}


def test_closed_queue_gives_what_it_has_and_takes_no_more(jobs: WriteQueue, outcomes: Outcomes) -> None:
    jobs.put(outcomes.job(FLOOD), waits=True)
    jobs.close()
    assert [taken(jobs), taken(jobs)] == [{FLOOD: 1}, {}]
    with pytest.raises(RuntimeError, match="stopped"):
        jobs.put(outcomes.job(FLOOD), waits=True)


def test_close_frees_who_waits_for_room(
    jobs: WriteQueue, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_queue, "PENDING_WRITES_PER_SESSION", 1)
    jobs.put(outcomes.job(FLOOD), waits=True)
    freed = threading.Event()

    def wait_for_room() -> None:
        with pytest.raises(RuntimeError, match="stopped"):
            jobs.put(outcomes.job(FLOOD), waits=True)
        freed.set()

    waiting = threading.Thread(target=wait_for_room)
    waiting.start()
    jobs.close()
    assert freed.wait(SECONDS)
    waiting.join()
