"""After a refusal or the end nothing follows in the write queue, and nobody waits for ever."""

from __future__ import annotations

import threading

import pytest

from sessions_app import write_queue
from sessions_app.write_queue import PENDING_ENTRIES_PER_SESSION, WriteQueue
from sessions_app.writes import Position
from tests.sessions_app.queueing import (
    ONE,
    OTHER,
    REFUSAL,
    SECONDS,
    Call,
    Outcomes,
    drained,
    filled,
    new_job,
    put_all,
    taken_counts,
)

# Refusal.


def test_nothing_of_a_refused_epoch_follows(queue: WriteQueue, outcomes: Outcomes) -> None:
    """Neither what waits nor what comes; other sessions, owners and the user's own writes go on."""
    error = RuntimeError("disk full")
    queue.put(outcomes.job(ONE), waits=True)
    refused = queue.take()[ONE]
    waiting = outcomes.job(ONE)
    queue.put(waiting, waits=True)
    queue.put(outcomes.job(ONE, status="waiting"), waits=True)
    (also_refused,) = queue.refuse(refused, error)
    assert also_refused is waiting
    queue.put(outcomes.job(ONE), waits=True)
    assert outcomes == [error]
    queue.put(outcomes.job(ONE, epoch=2), waits=True)
    queue.put(outcomes.job(OTHER), waits=True)
    assert taken_counts(queue) == {ONE: 2, OTHER: 1}


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
    assert taken_counts(queue) == {ONE: 4, OTHER: 2}
    assert outcomes == []


def test_refused_write_without_an_epoch_refuses_nothing_else(queue: WriteQueue) -> None:
    """An answer or a cancellation that the database refused says nothing of the run."""
    filled(queue, 3)
    assert queue.refuse([new_job(ONE, status="waiting")], REFUSAL) == []
    put_all(queue, [new_job(ONE), new_job(ONE, status="waiting")])
    assert len(queue.take()[ONE]) == 5


# The end.


def test_closed_queue_gives_what_it_has_and_takes_no_more(queue: WriteQueue, outcomes: Outcomes) -> None:
    queue.put(outcomes.job(ONE), waits=True)
    queue.close()
    assert [taken_counts(queue), taken_counts(queue)] == [{ONE: 1}, {}]
    with pytest.raises(RuntimeError, match="stopped"):
        queue.put(outcomes.job(ONE), waits=True)


def test_close_frees_who_waits_for_room(
    queue: WriteQueue, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_queue, "PENDING_ENTRIES_PER_SESSION", 1)
    queue.put(outcomes.job(ONE), waits=True)
    freed = threading.Event()

    def wait_for_room() -> None:
        with pytest.raises(RuntimeError, match="stopped"):
            queue.put(outcomes.job(ONE), waits=True)
        freed.set()

    waiting = threading.Thread(target=wait_for_room)
    waiting.start()
    queue.close()
    assert freed.wait(SECONDS)
    waiting.join()


def test_close_ends_every_wait(queue: WriteQueue) -> None:
    filled(queue)
    put = Call(lambda: queue.put(new_job(ONE), waits=True))
    assert put.waits()
    queue.close()
    assert isinstance(put.result(), RuntimeError)
    assert [len(batch[ONE]) for batch in drained(queue)] == [PENDING_ENTRIES_PER_SESSION]


def test_writer_that_waits_for_work_gets_none_when_closed(queue: WriteQueue) -> None:
    take = Call(queue.take)
    assert take.waits()
    queue.close()
    assert take.result() == {}
