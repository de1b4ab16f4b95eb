"""A run's journal: what it writes under which condition, and what becomes of a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps_app.dsl.runtime import Parked
from sessions_app.journal import Journal
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, Session, Status
from sessions_app.writes import FencedError, NewEntry, Position, Write
from tests.sessions_app.playing import entries

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 20.0
ENTRY = NewEntry(Kind.EVENT, b"{}")


@pytest.fixture
def session(new_session: Callable[..., Session]) -> Session:
    return new_session(status=Status.WAITING, owner="me", epoch=3)


@pytest.fixture
def refusals() -> list[Exception]:
    return []


@pytest.fixture
def journal(session: Session, writer: LogWriter, refusals: list[Exception]) -> Journal:
    return Journal(session.id, Position(0, 0, 0, 3), writer, refusals.append)


def written(writer: LogWriter, session: Session) -> Session:
    """The row, when all that was put before has been carried out."""
    writer.submit(Write(session.id, {})).result(SECONDS)
    session.refresh_from_db()
    return session


def test_entries_and_changes_go_together(journal: Journal, session: Session, writer: LogWriter) -> None:
    outcomes: list[Any] = []
    journal.put([ENTRY, ENTRY], {"title": "new"}, outcomes.append)
    assert written(writer, session).title == "new"
    assert [entry.seq for entry in entries(session.id)] == [1, 2]
    assert [outcome.last_seq for outcome in outcomes] == [2]


def test_refusal_is_told_to_the_run_and_to_who_waits(
    journal: Journal, session: Session, writer: LogWriter, refusals: list[Exception]
) -> None:
    writer.submit(Write(session.id, {}, raise_epoch=True)).result(SECONDS)
    outcomes: list[Any] = []
    journal.put([ENTRY], settle=outcomes.append)
    journal.put([ENTRY])
    written(writer, session)
    assert [type(error) for error in (*refusals, *outcomes)] == [FencedError] * 3
    assert entries(session.id) == []


@pytest.mark.parametrize(("status", "is_parked"), [(Status.WAITING, True), (Status.RUNNING, False)])
def test_only_a_session_that_still_waits_is_parked(
    journal: Journal,
    session: Session,
    writer: LogWriter,
    refusals: list[Exception],
    status: Status,
    is_parked: bool,
) -> None:
    """One that was answered is not; its run does not end by that."""
    Session.objects.update(status=status)
    outcomes: list[Any] = []
    journal.park(outcomes.append)
    assert bool(written(writer, session).owner) != is_parked
    assert isinstance(outcomes[0], Position) == is_parked
    assert refusals == []


def test_run_of_a_process_that_ends_is_over(session: Session) -> None:
    writer = LogWriter(lambda hints: None)
    writer.start()
    journal = Journal(session.id, Position(0, 0, 0, 3), writer, lambda error: None)
    writer.stop()
    with pytest.raises(Parked):
        journal.put([ENTRY])


def test_limits_count_by_turn_and_by_session(settings: Any, session: Session, writer: LogWriter) -> None:
    settings.YERA_MAX_TURN_ENTRIES, settings.YERA_MAX_SESSION_BYTES = 5, 100
    journal = Journal(session.id, Position(last_seq=10, turn_seq=6, log_bytes=50, epoch=3), writer, print)
    journal.count(b"x")
    assert journal.problem == ""
    journal.count(b"x")
    assert journal.problem == "The app wrote more than 5 log entries in one turn."
    journal.begin_turn(interaction_bytes=40)
    assert journal.problem == ""
    journal.count(b"123456789")
    assert journal.problem == "The session's log grew beyond 100 bytes."
