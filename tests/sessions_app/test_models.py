"""The rules that the database itself keeps."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from sessions_app.models import ENDED, LIVE, Kind, LogEntry, PrintedText, Session, SessionQuerySet, Status

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]


def add_entry(session: Session, seq: int, kind: str = Kind.EVENT) -> LogEntry:
    return LogEntry.objects.create(
        session=session, seq=seq, kind=kind, payload="{}", created_at=timezone.now()
    )


def ended() -> dict[str, Any]:
    return {"exit": {"exit_code": 0}, "finished_at": timezone.now()}


def test_every_status_is_live_or_ended() -> None:
    assert sorted((*ENDED, *LIVE)) == sorted(Status)


def test_seq_is_unique_within_a_session(new_session: NewSession) -> None:
    session, other = new_session(), new_session()
    add_entry(session, 1)
    add_entry(other, 1)
    with pytest.raises(IntegrityError):
        add_entry(session, 1)


@pytest.mark.parametrize(
    ("seq", "kind", "constraint"),
    [(0, Kind.EVENT, "log_entry_seq_positive"), (1, "thought", "log_entry_kind_known")],
)
def test_entry_that_cannot_be_is_refused(
    new_session: NewSession, seq: int, kind: str, constraint: str
) -> None:
    session = new_session()
    with pytest.raises(IntegrityError, match=constraint):
        add_entry(session, seq, kind)


@pytest.mark.parametrize("status", LIVE)
def test_live_session_has_no_exit(new_session: NewSession, status: Status) -> None:
    new_session(status=status, owner="runner")
    for half in ({"exit": {"exit_code": 0}}, {"finished_at": timezone.now()}):
        with pytest.raises(IntegrityError, match="session_ended_with_exit"):
            new_session(status=status, **half)


@pytest.mark.parametrize("status", ENDED)
def test_ended_session_has_its_exit_and_no_owner(new_session: NewSession, status: Status) -> None:
    assert new_session(status=status, **ended()).is_ended
    for wrong in ({"exit": None}, {"finished_at": None}, {"owner": "runner"}):
        with pytest.raises(IntegrityError, match="session_ended_with_exit"):
            new_session(status=status, **{**ended(), **wrong})


def test_unknown_status_is_refused(new_session: NewSession) -> None:
    with pytest.raises(IntegrityError):
        new_session(status="bored")


def test_turn_starts_within_the_log(new_session: NewSession) -> None:
    new_session(last_seq=3, turn_seq=3)
    with pytest.raises(IntegrityError, match="session_turn_in_log"):
        new_session(last_seq=3, turn_seq=4)


def test_questions_of_runners(new_session: NewSession) -> None:
    fresh = new_session()
    owned = new_session(status=Status.RUNNING, owner="runner")
    answered = new_session(status=Status.RUNNING)
    now = timezone.now()
    asleep = new_session(status=Status.WAITING, wake_at=now)
    new_session(status=Status.FINISHED, **ended())
    assert set(Session.objects.unowned()) == {fresh, answered}
    assert list(Session.objects.awake(now)) == [asleep]
    assert list(Session.objects.awake(now - datetime.timedelta(seconds=1))) == []
    assert list(Session.objects.owned()) == [owned]


def test_printed_text_keeps_its_end(new_session: NewSession) -> None:
    session, other = new_session(), new_session()
    with transaction.atomic():
        for text in ("12345678", "9", "äöü", "%s\n"):
            PrintedText.objects.append(session.id, text, 7)
        PrintedText.objects.append(other.id, "other", 7)
    kept = dict(PrintedText.objects.values_list("session", "text"))
    assert kept == {session.id: "9äöü%s\n", other.id: "other"}


def test_printed_text_of_no_session_is_not_kept(transactional_db: None) -> None:
    with transaction.atomic():
        PrintedText.objects.append(uuid.uuid4(), "text", 7)
    assert not PrintedText.objects.exists()


# What a sweep or a prune looks up costs nothing for the sessions that it does not find.


NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("sessions", "index"),
    [
        (Session.objects.unowned().filter(is_suspect=False).order_by("created_at"), "session_unowned"),
        (Session.objects.awake(NOW).filter(owner=""), "session_wakes"),
        (Session.objects.overdue_waits(NOW), "session_wait_ends"),
        (Session.objects.overdue_lives(NOW), "session_life_ends"),
        (Session.objects.owned(), "session_owner"),
        (Session.objects.owned_by("runner"), "session_owner"),
        (Session.objects.finished_before(NOW), "session_finished"),
    ],
)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by how many rows there are")
def test_partial_index_is_used(sessions: SessionQuerySet, index: str) -> None:
    plan = sessions[:200].explain()
    assert f"USING INDEX {index}" in plan, plan


def test_overdue_sessions_are_found(new_session: NewSession) -> None:
    past, future = NOW - datetime.timedelta(seconds=1), NOW + datetime.timedelta(seconds=1)
    waits = [new_session(status=Status.WAITING, wait_ends_at=time) for time in (NOW, past, future)]
    new_session(status=Status.RUNNING, wait_ends_at=past)
    lives = [new_session(status=Status.DIVERGED, life_ends_at=time) for time in (NOW, past, future)]
    over = {"status": Status.FAILED, "exit": {"exit_code": 1}}
    ends = [new_session(**over, finished_at=time, life_ends_at=past) for time in (NOW, past, future)]
    assert list(Session.objects.overdue_waits(NOW)) == [waits[1], waits[0]]
    assert list(Session.objects.overdue_lives(NOW)) == [lives[1], lives[0]]
    assert list(Session.objects.finished_before(NOW)) == [ends[1]]


def test_owned_sessions_are_the_owners(new_session: NewSession) -> None:
    mine = new_session(owner="me")
    new_session(owner="another")
    new_session()
    assert list(Session.objects.owned_by("me")) == [mine]
