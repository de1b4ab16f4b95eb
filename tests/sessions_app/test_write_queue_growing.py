"""Writes that take more entries while they wait: what a flood's are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions_app import write_queue
from sessions_app.models import Kind
from sessions_app.write_queue import COMMIT_ENTRIES, GrowingJob, Job, WriteQueue
from sessions_app.writes import NewEntry, Write
from tests.sessions_app.queueing import ONE, OTHER, REFUSAL, Call, Outcomes, drained, new_job, payload


def grown(queue: WriteQueue, sizes: list[int], settle: Callable[[Any], None] = lambda _: None) -> GrowingJob:
    """A job whose entries have these sizes, the first put and the others added."""
    first, *others = [NewEntry(Kind.EVENT, payload(size)) for size in sizes]
    job = GrowingJob(ONE, Write(ONE, {"epoch": 1}, [first]), settle)
    queue.put(job, waits=True)
    for entry in others:
        assert queue.extend(job, entry)
    return job


def entries_of(jobs: list[Job]) -> list[NewEntry]:
    return [entry for job in jobs if isinstance(job.work, Write) for entry in job.work.entries]


def sizes_of(jobs: list[Job]) -> list[int]:
    return [len(entry.payload) for entry in entries_of(jobs)]


def test_write_that_grows_is_one_job(queue: WriteQueue) -> None:
    job = grown(queue, [1, 2, 3])
    (taken,) = queue.take()[ONE]
    assert taken is job
    assert (sizes_of([taken]), taken.size, taken.entries) == ([1, 2, 3], 6, 3)


def test_write_that_was_taken_grows_no_more(queue: WriteQueue) -> None:
    job = grown(queue, [1])
    queue.take()
    assert not queue.extend(job, NewEntry(Kind.EVENT, b""))
    assert job.entries == 1


def test_write_that_another_waits_behind_grows_no_more(queue: WriteQueue) -> None:
    """Its entries would overtake the other."""
    job = grown(queue, [1])
    queue.put(new_job(ONE), waits=True)
    assert not queue.extend(job, NewEntry(Kind.EVENT, b""))


@pytest.mark.parametrize(("bound", "sizes"), [("ENTRIES", [1, 1, 1]), ("BYTES", [1, 2])])
def test_write_that_fills_its_line_grows_no_more(
    queue: WriteQueue, monkeypatch: pytest.MonkeyPatch, bound: str, sizes: list[int]
) -> None:
    monkeypatch.setattr(write_queue, f"PENDING_{bound}_PER_SESSION", 3)
    job = grown(queue, sizes)
    assert not queue.extend(job, NewEntry(Kind.EVENT, b""))
    put = Call(lambda: queue.put(new_job(ONE), waits=True))
    assert put.waits()
    queue.take()
    put.result()


def test_write_of_a_refused_epoch_grows_no_more(queue: WriteQueue, outcomes: Outcomes) -> None:
    """Else what it takes would come after a hole."""
    taken = outcomes.job(ONE)
    queue.put(taken, waits=True)
    queue.take()
    job = grown(queue, [1])
    assert queue.refuse([taken], REFUSAL) == [job]
    assert not queue.extend(job, NewEntry(Kind.EVENT, b""))


def test_closed_queue_lets_nothing_grow(queue: WriteQueue) -> None:
    """Otherwise an app that floods could keep the writer from its end."""
    job = grown(queue, [1])
    queue.close()
    assert not queue.extend(job, NewEntry(Kind.EVENT, b""))


@pytest.mark.parametrize(
    ("bound", "sizes", "shares"),
    [
        ("ENTRIES", [1, 2, 3, 4, 5], [[1, 2], [3, 4], [5]]),
        ("BYTES", [1, 1, 9, 1, 1], [[1, 1], [9], [1, 1]]),
        ("BYTES", [9, 1], [[9], [1]]),
    ],
)
def test_write_is_taken_in_shares(
    queue: WriteQueue, monkeypatch: pytest.MonkeyPatch, bound: str, sizes: list[int], shares: list[list[int]]
) -> None:
    monkeypatch.setattr(write_queue, f"COMMIT_{bound}", 2)
    job = grown(queue, sizes)
    taken = []
    for share in shares[:-1]:
        taken.append(sizes_of(queue.take()[ONE]))
        assert job.size == sum(sizes) - sum(map(sum, taken)), "what is left is counted"
        assert share == taken[-1]
    queue.put(new_job(ONE, size=7), waits=True)
    assert [sizes_of(jobs) for batch in drained(queue) for jobs in batch.values()][0][0] == shares[-1][0]


def test_each_share_of_a_write_is_settled(queue: WriteQueue, outcomes: Outcomes) -> None:
    grown(queue, [1] * (COMMIT_ENTRIES // 2 + 1), outcomes.append)
    queue.put(new_job(OTHER), waits=True)
    for number, batch in enumerate(drained(queue)):
        for job in batch[ONE]:
            job.settle(RuntimeError(str(number)))
    assert [str(outcome) for outcome in outcomes] == ["0", "1"]


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(st.integers(0, 40), st.sampled_from(["take", "put"])),
        max_size=40,
    )
)
def test_whatever_grows_is_taken_once_and_in_order(steps: list[Any]) -> None:
    queue = WriteQueue()
    job: GrowingJob | None = None
    put, taken = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write_queue, "COMMIT_ENTRIES", 3)
        patch.setattr(write_queue, "COMMIT_BYTES", 50)
        for number, step in enumerate(steps):
            if step == "take" and queue._lines:
                taken += queue.take()[ONE]
            elif step == "put":
                queue.put(numbered(Job, number, 0), waits=False)
                put.append(number)
            elif isinstance(step, int):
                if job is None or not queue.extend(job, numbered(Job, number, step).work.entries[0]):
                    job = numbered(GrowingJob, number, step)
                    queue.put(job, waits=False)
                put.append(number)
        taken += [each for batch in drained(queue) for each in batch[ONE]]
    assert [int(entry.step) for entry in entries_of(taken)] == put


def numbered(kind: type[Job], number: int, size: int) -> Any:
    entry = NewEntry(Kind.EVENT, payload(size), step=str(number))
    return kind(ONE, Write(ONE, {"epoch": 1}, [entry]), lambda _: None)
