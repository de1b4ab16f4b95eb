"""Appending under the fence, and reading."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from sessions_app import event_log, log_reading
from sessions_app.frames import Entry, Segment
from sessions_app.log_reading import Standing
from sessions_app.models import Kind, LogEntry, Session, Status
from sessions_app.writes import FencedError, Hint, NewEntry, Position, Removal, Write, join
from tests.sessions_app.playing import entries

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]


def event(text: str = "{}", **flags: Any) -> NewEntry:
    return NewEntry(Kind.EVENT, text.encode(), **flags)


def append(session: Session, *added: NewEntry, where: dict[str, Any] | None = None, **changes: Any) -> Hint:
    """Carry out one write in a transaction of its own, by default under the session's epoch."""
    write = Write(session.id, {"epoch": session.epoch} if where is None else where, list(added), changes)
    with transaction.atomic():
        position, hint = event_log.apply(write)
    session.refresh_from_db()
    assert position == Position(session.last_seq, session.turn_seq, session.log_bytes, session.epoch)
    return hint


def test_entries_take_the_next_seqs(new_session: NewSession) -> None:
    session, other = new_session(), new_session()
    append(session, event('"a"'), event('"bü"'))
    append(other, event())
    append(session, event('"c"'))
    assert entries(session.id) == [
        Entry(1, "event", False, b'"a"'),
        Entry(2, "event", False, '"bü"'.encode()),
        Entry(3, "event", False, b'"c"'),
    ]
    assert (session.last_seq, session.log_bytes) == (3, 3 + 5 + 3)


def test_any_number_of_entries_goes_in_whole_and_in_order(new_session: NewSession) -> None:
    session = new_session()
    texts = iter(map(str, itertools.count(1)))
    for size in range(131):
        append(session, *[event(next(texts)) for _ in range(size)])
    rows = LogEntry.objects.filter(session=session).values_list("seq", "payload")
    assert list(rows) == [(seq, str(seq)) for seq in range(1, sum(range(131)) + 1)]


def test_entry_keeps_its_columns(new_session: NewSession) -> None:
    session = new_session()
    before = timezone.now()
    append(session, NewEntry(Kind.STEP, b"{}", "0.1"), event(closes_turn=True))
    step, closing = LogEntry.objects.filter(session=session)
    assert (step.kind, step.step, step.closes_turn) == (Kind.STEP, "0.1", False)
    assert (closing.kind, closing.step, closing.closes_turn) == (Kind.EVENT, "", True)
    assert before <= step.created_at == closing.created_at == session.updated_at <= timezone.now()


def test_changes_are_set_with_the_entries(new_session: NewSession) -> None:
    session = new_session()
    pending = [{"block_id": "date-1", "block_type": "date"}]
    append(session, event(), status=Status.WAITING, pending=pending, divergence={"seq": 1}, turn_seq=1)
    assert (session.status, session.pending, session.divergence) == (Status.WAITING, pending, {"seq": 1})
    append(session, divergence=None)
    assert not Session.objects.exclude(divergence__isnull=True).exists()


@pytest.mark.parametrize(
    "where",
    [
        {"epoch": 2},
        {"status": Status.WAITING},
        {"status": (Status.WAITING, Status.CREATED)},
        {"status": Status.RUNNING, "owner": ""},
        {"status": Status.RUNNING, "last_seq": 1},
    ],
)
def test_write_whose_condition_fails_changes_nothing(new_session: NewSession, where: dict[str, Any]) -> None:
    session = new_session(status=Status.RUNNING, epoch=3, owner="runner")
    with pytest.raises(FencedError, match=str(session.id)):
        append(session, event(), where=where, title="changed")
    session.refresh_from_db()
    assert (session.last_seq, session.title, entries(session.id)) == (0, "", [])


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"epoch": 3},
        {"status": (Status.WAITING, Status.RUNNING)},
        {"owner": ("runner",)},
        {"status": Status.RUNNING, "owner": "runner", "last_seq": 0},
    ],
)
def test_write_whose_condition_holds_is_done(new_session: NewSession, where: dict[str, Any]) -> None:
    session = new_session(status=Status.RUNNING, epoch=3, owner="runner")
    append(session, event(), where=where)
    assert session.last_seq == 1


def test_unknown_session_is_fenced() -> None:
    with transaction.atomic(), pytest.raises(FencedError):
        event_log.apply(Write(uuid.uuid4(), {"epoch": 0}, [event()]))


def test_raised_epoch_fences_off_who_had_the_old_one(new_session: NewSession) -> None:
    session = new_session()
    old = {"epoch": session.epoch}
    with transaction.atomic():
        position, _ = event_log.apply(Write(session.id, old, raise_epoch=True))
    assert position.epoch == 1
    with pytest.raises(FencedError):
        append(session, event(), where=old)


def test_hint_spans_what_was_committed(new_session: NewSession) -> None:
    session = new_session()
    append(session, event())
    hint = append(session, NewEntry(Kind.STEP, b"{}"), event('"a"', closes_turn=True))
    assert hint == Hint(session.id, 1, 3, [Segment(2, 3, False, True, b'id: 3\ndata: "a"\n\n')], None)


def test_hint_tells_a_change_of_status(new_session: NewSession) -> None:
    session = new_session()
    pending = [{"block_id": "date-1", "block_type": "date"}]
    hint = append(session, event(), status=Status.WAITING, pending=pending)
    assert hint.state == {"status": "waiting", "pending": pending, "divergence": None}
    hint = append(session, status=Status.RUNNING)
    assert (hint.after, hint.last_seq, hint.segments) == (1, 1, [])
    assert hint.state == {"status": "running", "pending": [], "divergence": None}


def test_writes_of_one_epoch_join() -> None:
    key = uuid.uuid4()
    first = Write(key, {"epoch": 1}, [event('"a"')], {"title": "a", "status": Status.WAITING})
    second = Write(key, {"epoch": 1}, [event('"b"')], {"title": "b"})
    assert second.joins(first)
    joined = join([first, second])
    assert joined == Write(
        key, {"epoch": 1}, [event('"a"'), event('"b"')], {"title": "b", "status": Status.WAITING}
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"where": {"epoch": 1}}, {"where": {"epoch": 2}}),
        ({"where": {"status": "waiting"}}, {"where": {"status": "waiting"}}),
        ({"where": {"epoch": 1, "last_seq": 1}}, {"where": {"epoch": 1, "last_seq": 1}}),
        ({"where": {"epoch": 1}}, {"where": {"epoch": 1}, "raise_epoch": True}),
        ({"where": {"epoch": 1}, "raise_epoch": True}, {"where": {"epoch": 1}}),
    ],
)
def test_write_that_must_see_the_row_after_the_other_does_not_join(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    key = uuid.uuid4()
    assert not Write(key, **second).joins(Write(key, **first))


@pytest.fixture
def told(new_session: NewSession) -> Session:
    """A session of six entries, whose current turn began with the third."""
    session = new_session()
    said = NewEntry(Kind.INTERACTION, b'"said"')
    append(session, event('"1"'), event('"2"', closes_turn=True), said, event('"4"'), event('"5"'), said)
    append(session, turn_seq=3, status=Status.WAITING, pending=[{"block_id": "date-1"}], divergence={"a": 1})
    return session


@pytest.mark.parametrize(
    ("after", "start", "seqs"),
    [
        (None, 3, [4, 5, 6]),
        (0, 0, [1, 2, 3, 4, 5, 6]),
        (4, 4, [5, 6]),
        (6, 6, []),
        (7, 6, []),
        (10**30, 6, []),
    ],
)
def test_reading_starts_after_the_position_or_at_the_turn(
    told: Session, after: int | None, start: int, seqs: list[int]
) -> None:
    reading = log_reading.read(told.id, after)
    assert reading is not None
    assert [entry.seq for entry in reading.entries] == seqs
    assert (reading.after, reading.standing.last_seq, reading.is_whole) == (start, 6, True)


def test_reading_has_the_row_that_goes_with_the_entries(told: Session) -> None:
    reading = log_reading.read(told.id, 0)
    assert reading is not None
    assert reading.standing == Standing("waiting", [{"block_id": "date-1"}], {"a": 1}, 6, 3, None)
    assert log_reading.standing(told.id) == reading.standing
    assert reading.entries[1:3] == [
        Entry(2, "event", True, b'"2"'),
        Entry(3, "interaction", False, b'"said"'),
    ]


def test_long_log_is_read_in_pieces(new_session: NewSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "READ_ENTRIES", 4)
    session = new_session()
    append(session, *[event(str(number)) for number in range(10)])
    pieces, position = [], 0
    while position < 10:
        reading = log_reading.read(session.id, position)
        assert reading is not None
        pieces.append([entry.seq for entry in reading.entries])
        position = pieces[-1][-1]
        assert reading.is_whole == (position == 10)
    assert pieces == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


def test_reading_is_bounded_in_bytes(new_session: NewSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "READ_BYTES", 25)
    session = new_session()
    append(session, *[event('"12345678"') for _ in range(5)])
    reading = log_reading.read(session.id, 0)
    assert reading is not None
    assert ([entry.seq for entry in reading.entries], reading.is_whole) == ([1, 2, 3], False)


def test_large_commit_gives_a_hint_without_frames(
    new_session: NewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "HINT_BYTES", 10)
    hint = append(new_session(), event('"12345678"'), event(), status=Status.WAITING)
    assert (hint.after, hint.last_seq, hint.segments) == (0, 2, [])
    assert hint.state is not None


def test_unknown_session_reads_as_none() -> None:
    assert log_reading.read(uuid.uuid4(), 0) is None
    assert log_reading.read(uuid.uuid4(), None) is None
    assert log_reading.standing(uuid.uuid4()) is None


@pytest.fixture
def answered(new_session: NewSession) -> Session:
    """A session with entries of every kind: its question, answered, then a step that was cut off once."""
    session = new_session()
    kinds = (Kind.INTERACTION, Kind.EVENT, Kind.RETRACT, Kind.STEP, Kind.INTERACTION, Kind.EVENT)
    append(session, event(closes_turn=True), *[NewEntry(kind, b"{}") for kind in kinds])
    return session


def test_events_and_interactions_are_read_back(answered: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "READ_BACK_ENTRIES", 2)
    assert [entry.seq for entry in log_reading.read_back(answered.id, 7)] == [7, 6, 3, 2, 1]
    assert [entry.seq for entry in log_reading.read_back(answered.id, 2)] == [2, 1]
    assert list(log_reading.read_back(answered.id, 0)) == []


def test_fork_points_are_interactions_and_events_that_close_a_turn(answered: Session) -> None:
    points = [log_reading.last_fork_point(answered.id, up_to) for up_to in range(8)]
    assert points == [0, 1, 2, 2, 2, 2, 6, 6]


def test_interactions_are_read_on_their_own(told: Session) -> None:
    assert [entry.seq for entry in log_reading.read_interactions(told.id, 0)] == [3, 6]
    assert [entry.seq for entry in log_reading.read_interactions(told.id, 3)] == [6]
    assert log_reading.read_interactions(told.id, 6) == []


def test_removal_goes_piece_by_piece_from_the_beginning(
    told: Session, new_session: NewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_session()
    append(other, event('"kept"'))
    monkeypatch.setattr(event_log, "REMOVED_ENTRIES", 4)
    event_log.remove(Removal(told.id))
    assert list(LogEntry.objects.filter(session=told).values_list("seq", flat=True)) == [5, 6]
    event_log.remove(Removal(told.id))
    assert list(LogEntry.objects.values_list("session", flat=True)) == [other.id]
    assert list(Session.objects.all()) == [other]
    with pytest.raises(FencedError):
        event_log.remove(Removal(told.id))
