"""Copying the beginning of a log into a new session."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from sessions_app import event_log, log_copy
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, LogEntry, Session, Status
from sessions_app.writes import FencedError, Fork, Hint, NewEntry, Write
from tests.sessions_app.playing import APP_ID, entries
from tests.sessions_app.runs import SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]

COLUMNS = ("seq", "kind", "step", "closes_turn", "payload", "created_at")
YESTERDAY = datetime.datetime(2025, 1, 31, tzinfo=datetime.UTC)
LOG = [
    NewEntry(Kind.EVENT, '{"text":"bü"}'.encode(), closes_turn=True),
    NewEntry(Kind.INTERACTION, b'{"value":1}'),
    NewEntry(Kind.EVENT, b"{}", step="0.1"),
    NewEntry(Kind.RETRACT, b'{"from_seq":3,"to_seq":3}'),
    NewEntry(Kind.STEP, b'{"name":"s"}', step="0.1"),
    NewEntry(Kind.INTERACTION, b'{"value":2}'),
    NewEntry(Kind.EVENT, b'{"last":1}'),
]


@pytest.fixture
def source(new_session: NewSession) -> Session:
    """A session that was played yesterday, and answered with keys."""
    session = new_session(status=Status.RUNNING)
    with transaction.atomic():
        event_log.apply(Write(session.id, {}, LOG, {"turn_seq": 6}))
    LogEntry.objects.filter(session=session).update(created_at=YESTERDAY)
    LogEntry.objects.filter(session=session, seq=2).update(idempotency_key="k")
    return session


def forked(source: Session, after: int) -> Session:
    session = Session(app_id=APP_ID, last_seq=after)
    with transaction.atomic():
        log_copy.fork(Fork(session, source.id))
    return Session.objects.get(id=session.id)


def rows(session: Session, up_to: int) -> list[Any]:
    return list(LogEntry.objects.filter(session=session, seq__lte=up_to).values_list(*COLUMNS))


@pytest.mark.parametrize("after", range(len(LOG) + 1))
def test_beginning_is_copied_as_it_is(source: Session, after: int) -> None:
    session = forked(source, after)
    assert rows(session, 100) == rows(source, after)
    assert session.forked_from == source
    assert session.last_seq == after
    assert session.log_bytes == sum(len(entry.payload) for entry in LOG[:after])
    assert session.turn_seq == (6 if after >= 6 else 2 if after >= 2 else 0)


def test_copied_session_can_be_written_on(source: Session) -> None:
    session = forked(source, 5)
    with transaction.atomic():
        event_log.apply(Write(session.id, {"epoch": session.epoch}, [NewEntry(Kind.EVENT, b"{}")]))
    assert [entry.seq for entry in entries(session.id)] == [1, 2, 3, 4, 5, 6]
    assert len(entries(source.id)) == len(LOG)


def test_keys_of_answers_stay_where_they_were_given(source: Session) -> None:
    session = forked(source, 7)
    assert set(LogEntry.objects.filter(session=session).values_list("idempotency_key", flat=True)) == {""}


@pytest.mark.parametrize("is_whole", [True, False], ids=["row and log gone", "beginning of the log gone"])
def test_source_that_goes_leaves_nothing_behind(source: Session, is_whole: bool) -> None:
    source_id = source.id
    if is_whole:
        source.delete()
    else:
        LogEntry.objects.filter(session=source, seq=1).delete()
    left = LogEntry.objects.count()
    session = Session(app_id=APP_ID, last_seq=5)
    with transaction.atomic(), pytest.raises(FencedError):
        log_copy.fork(Fork(session, source_id))
    assert not Session.objects.filter(id=session.id).exists()
    assert LogEntry.objects.count() == left


def test_source_that_is_gone_spoils_no_other_commit(
    writer: LogWriter, hints: list[Hint], source: Session
) -> None:
    gone = Fork(Session(app_id=APP_ID, last_seq=8), source.id)
    good = Fork(Session(app_id=APP_ID, last_seq=7), source.id)
    refused, done = writer.submit(gone), writer.submit(good)
    assert isinstance(refused.exception(SECONDS), FencedError)
    done.result(SECONDS)
    assert len(entries(good.session.id)) == 7
    assert hints == []
