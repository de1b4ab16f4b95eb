"""The group-commit writer where something fails: none spoils another's write, and no log has a hole."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from sessions_app.log_writer import LogWriter
from sessions_app.models import Session
from sessions_app.write_queue import COMMIT_ENTRIES
from sessions_app.writes import FencedError, Hint, Position, Printed, Write
from tests.deadline import until
from tests.sessions_app.playing import APP_ID, entries
from tests.sessions_app.publishing import SECONDS, Publisher, payloads, write

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]
NO_SUCH_KIND: Any = "thought"


def test_fenced_session_does_not_spoil_the_others(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    fenced, sound = new_session(epoch=1), new_session()
    with publisher.held(writer, holder):
        refused, also_refused = writer.submit(write(fenced)), writer.submit(write(fenced))
        accepted = writer.submit(write(sound))
        taken_up = writer.submit(write(fenced, epoch=1))
    assert isinstance(refused.exception(SECONDS), FencedError)
    assert isinstance(also_refused.exception(SECONDS), FencedError)
    assert accepted.result(SECONDS).last_seq == taken_up.result(SECONDS).last_seq == 1
    assert len(publisher.commits) == 2


def test_entry_that_the_database_refuses_fails_alone(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    sessions = [new_session() for _ in range(5)]
    with publisher.held(writer, holder):
        futures = [writer.submit(write(session)) for session in sessions[:2]]
        refused = writer.submit(write(sessions[2], kind=NO_SUCH_KIND))
        futures += [writer.submit(write(session)) for session in sessions[3:]]
    assert isinstance(refused.exception(SECONDS), IntegrityError)
    assert [future.result(SECONDS).last_seq for future in futures] == [1, 1, 1, 1]
    assert [len(entries(session.id)) for session in sessions] == [1, 1, 0, 1, 1]


def test_nothing_follows_what_was_refused(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    """A log has no hole, also where the rest had to wait for a later commit."""
    session = new_session()
    with publisher.held(writer, holder):
        refused = writer.submit(write(session, kind=NO_SUCH_KIND))
        after = [writer.submit(write(session)) for _ in range(3)]
        others = [writer.submit(write(new_session())) for _ in range(COMMIT_ENTRIES)]
    assert isinstance(refused.exception(SECONDS), IntegrityError)
    assert all(isinstance(future.exception(SECONDS), IntegrityError) for future in after)
    assert all(future.result(SECONDS).last_seq == 1 for future in others)
    assert payloads(session) == []


@pytest.mark.parametrize("others", [0, 2])
def test_publish_that_fails_neither_undoes_nor_repeats_the_commit(
    transactional_db: None, new_session: NewSession, others: int
) -> None:
    """Hints may be lost (invariant 7); what is committed stays as it is."""
    sessions = [new_session() for _ in range(1 + others)]

    def publish(hints: list[Hint]) -> None:
        raise RuntimeError("the event loop is closed")

    writer = LogWriter(publish)
    futures = [writer.submit(write(session)) for session in sessions]
    writer.start()
    assert [future.result(SECONDS).last_seq for future in futures] == [1] * len(sessions)
    writer.stop()
    assert [len(entries(session.id)) for session in sessions] == [1] * len(sessions)


def test_one_who_gave_up_waiting_stops_nobody(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    """A cancelled request cancels the future that it waited for; the write is under way all the same."""
    session, other = new_session(), new_session()
    with publisher.held(writer, holder):
        given_up = writer.submit(write(session))
        given_up.cancel()
        waited_for = writer.submit(write(other))
    assert waited_for.result(SECONDS).last_seq == 1
    assert writer.submit(write(session)).result(SECONDS).last_seq == 2


def test_settling_that_fails_stops_nobody(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    session, other = new_session(), new_session()

    def settle(outcome: Position | Exception) -> None:
        raise RuntimeError("can't start new thread")

    with publisher.held(writer, holder):
        writer.put(write(session), settle)
        waited_for = writer.submit(write(other))
    assert waited_for.result(SECONDS).last_seq == 1
    assert writer.submit(write(session)).result(SECONDS).last_seq == 2


def test_locked_database_is_tried_once_more(
    writer: LogWriter, new_session: NewSession, caplog: pytest.LogCaptureFixture
) -> None:
    session = new_session()
    impatient: Future[None] = Future()

    def lose_patience(outcome: Position | Exception) -> None:
        connection.cursor().execute("PRAGMA busy_timeout = 0")  # of the writer's connection, until it is new
        impatient.set_result(None)

    writer.put(write(session), lose_patience)
    impatient.result(SECONDS)
    with transaction.atomic():
        written = writer.submit(write(session))
        assert until(lambda: "trying once more" in caplog.text)
    assert written.result(SECONDS).last_seq == 2


def test_same_session_twice_is_refused(writer: LogWriter, holder: Session) -> None:
    twin = Session(id=holder.id, app_id=APP_ID)
    assert isinstance(writer.submit(twin).exception(SECONDS), IntegrityError)
    assert isinstance(writer.submit(Write(uuid.uuid4(), {"epoch": 0})).exception(SECONDS), FencedError)


def test_printed_text_that_cannot_be_stored_spoils_no_other_commit(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    session, bad = new_session(), new_session()
    with publisher.held(writer, holder):
        good = writer.submit(write(session))
        refused = writer.submit(Printed(bad.id, "\ud800", 5))
        gone = writer.submit(Printed(uuid.uuid4(), "text", 5))
    assert good.result(SECONDS).last_seq == 1
    gone.result(SECONDS)
    with pytest.raises(UnicodeEncodeError):
        refused.result(SECONDS)
