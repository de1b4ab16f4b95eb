"""Idempotency keys in the log: one interaction a key, found without reading the log."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from sessions_app import event_log, log_reading
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, LogEntry, Session
from sessions_app.writes import FencedError, NewEntry, Write
from tests.sessions_app.playing import APP_ID

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]
SECONDS = 20.0
KEY = "user 1:key"


def said(text: str, key: str) -> NewEntry:
    return NewEntry(Kind.INTERACTION, text.encode(), idempotency_key=key)


def append(session: Session, *entries: NewEntry) -> None:
    with transaction.atomic():
        event_log.apply(Write(session.id, {}, list(entries)))


def test_interaction_is_found_by_its_key(new_session: NewSession) -> None:
    session, other = new_session(), new_session()
    append(session, said('"bü"', "a"))
    append(session, said('"2"', ""), said('"3"', "b"), said('"4"', ""))
    append(session, said('"5"', ""))
    append(other, said('"6"', "a"))
    assert log_reading.posted(session.id, "a") == '"bü"'.encode()
    assert log_reading.posted(session.id, "b") == b'"3"'
    assert log_reading.posted(session.id, "A") is None
    assert log_reading.posted(session.id, "") is None
    assert log_reading.posted(other.id, "a") == b'"6"'
    assert log_reading.posted(uuid.uuid4(), "a") is None
    keys = LogEntry.objects.filter(session=session).values_list("idempotency_key", flat=True)
    assert list(keys) == ["a", "", "b", "", ""]


def test_key_is_of_one_interaction_of_a_session(new_session: NewSession) -> None:
    session = new_session()
    append(session, said("1", "a"))
    with pytest.raises(IntegrityError):
        append(session, said("2", "a"))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="It is SQLite's way to tell a plan.")
def test_key_is_looked_up_in_its_index(new_session: NewSession, queries: list[str]) -> None:
    """Not in the log, which may be long."""
    log_reading.posted(new_session().id, "a")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[-1]}", ["x", "a"])
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "USING INDEX log_entry_key_unique" in plan


def test_session_of_a_key_is_inserted_once(writer: LogWriter, new_session: NewSession) -> None:
    """Without spoiling what is committed with it."""
    first, second = (Session(id=uuid.uuid4(), app_id=APP_ID, idempotency_key=KEY) for _ in range(2))
    with transaction.atomic():
        event_log.create(first)
        with pytest.raises(FencedError, match=str(second.id)):
            event_log.create(second)
        third = new_session()
    assert set(Session.objects.all()) == {first, third}
    assert isinstance(writer.submit(second).exception(SECONDS), FencedError)


def test_other_reasons_against_a_session_are_no_repeat(new_session: NewSession) -> None:
    taken = new_session()
    with transaction.atomic(), pytest.raises(IntegrityError):
        event_log.create(Session(id=taken.id, app_id=APP_ID, idempotency_key=KEY))
