"""How sessions end: the status that follows from the exit, and who is fenced off."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps_app.blocks import ErrorCause, Exit
from apps_app.dsl.app import COMPLETED, FAILED
from apps_app.events import Event
from sessions_app.exits import (
    abandonment,
    cancellation,
    ending,
    expiration,
    failed_exit,
    is_of_app,
    may_be_of_step,
)
from sessions_app.log_writer import LogWriter
from sessions_app.models import ENDED, LIVE, Kind, Session, Status
from sessions_app.writes import FencedError, NewEntry, Write
from tests.sessions_app.playing import APP_ID, entries, exit_of, shown

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]
SECONDS = 20.0


def exit_event(exit_code: int, **data: Any) -> Event:
    values: dict[str, Any] = {"reason": "because", "return_type": "str", "return_value": "v", **data}
    return Event("exit-1", 1, Exit(exit_code=exit_code, **values), APP_ID)


def carried_out(writer: LogWriter, write: Write) -> Session:
    writer.submit(write).result(SECONDS)
    return Session.objects.get(id=write.session_id)


@pytest.mark.parametrize(
    ("exit_code", "status"),
    [
        (0, Status.FINISHED),
        (1, Status.FAILED),
        (-1, Status.FAILED),
        (124, Status.EXPIRED),
        (130, Status.CANCELLED),
    ],
)
def test_status_follows_from_the_exit_code(
    writer: LogWriter, new_session: NewSession, exit_code: int, status: Status
) -> None:
    session = new_session(status=Status.WAITING, pending=[{"block_id": "date-1"}], owner="runner", epoch=2)
    ended = carried_out(writer, ending(session.id, {"epoch": 2}, exit_event(exit_code), failure="why"))
    assert (ended.status, ended.pending, ended.owner, ended.failure) == (status, [], "", "why")
    assert exit_of(ended)["exit_code"] == exit_code
    assert ended.finished_at is not None
    assert ended.finished_at <= timezone.now()
    assert [entry.closes_turn for entry in entries(session.id)] == [True]


def test_row_and_event_say_the_same(writer: LogWriter, new_session: NewSession) -> None:
    session = new_session()
    strange = exit_event(0, return_value="a\0b\ud800", reason="\0")
    ended = carried_out(writer, ending(session.id, {}, strange, failure="trace\0back \ud800"))
    assert ended.exit == shown(session.id)[0]["data"]
    assert (exit_of(ended)["return_value"], ended.failure) == ("a\ufffdb\ufffd", "trace\ufffdback \ufffd")


def test_nothing_can_be_appended_after_an_exit(writer: LogWriter, new_session: NewSession) -> None:
    """Not even by the owner that ended it."""
    session = new_session(epoch=2, owner="runner")
    ending_it = writer.submit(ending(session.id, {"epoch": 2}, exit_event(0)))
    too_late = writer.submit(Write(session.id, {"epoch": 2}, [NewEntry(Kind.EVENT, b"{}")]))
    assert ending_it.result(SECONDS).last_seq == 1
    assert isinstance(too_late.exception(SECONDS), FencedError)


@pytest.mark.parametrize("status", LIVE)
def test_cancellation_ends_whatever_lives(writer: LogWriter, new_session: NewSession, status: Status) -> None:
    session = new_session(status=status, epoch=4)
    cancelled = carried_out(writer, cancellation(session.id, APP_ID))
    assert (cancelled.status, cancelled.epoch) == (Status.CANCELLED, 5)
    (event,) = shown(session.id)
    assert (event["block_id"], event["chunk_id"], event["app"]["name"]) == ("exit-1", 1, APP_ID)
    assert event["data"] == {
        "exit_code": 130,
        "reason": "Cancelled by the user",
        "return_type": "NoneType",
        "return_value": "None",
    }


@pytest.mark.parametrize("status", ENDED)
def test_cancellation_leaves_what_has_ended(
    writer: LogWriter, new_session: NewSession, status: Status
) -> None:
    session = new_session(status=status, exit={}, finished_at=timezone.now())
    assert isinstance(writer.submit(cancellation(session.id, APP_ID)).exception(SECONDS), FencedError)


def test_expiration_ends_what_is_as_it_was_seen(writer: LogWriter, new_session: NewSession) -> None:
    session = new_session(status=Status.WAITING, owner="runner", epoch=4)
    refused = writer.submit(expiration(session.id, APP_ID, {"status": Status.RUNNING}, "why"))
    assert isinstance(refused.exception(SECONDS), FencedError)
    expired = carried_out(writer, expiration(session.id, APP_ID, {"status": Status.WAITING}, "why"))
    assert (expired.status, expired.epoch, expired.failure) == (Status.EXPIRED, 5, "")
    (event,) = shown(session.id)
    assert (event["block_id"], event["app"]["name"], event["data"]["reason"]) == ("exit-1", APP_ID, "why")
    assert "error_cause" not in event["data"], "it is no failure of the app"


def test_abandonment_ends_what_this_owner_left(writer: LogWriter, new_session: NewSession) -> None:
    session = new_session(status=Status.RUNNING, owner="dead", epoch=1)
    abandoned = carried_out(writer, abandonment(session.id, APP_ID, "dead"))
    assert (abandoned.status, abandoned.epoch) == (Status.FAILED, 2)
    assert exit_of(abandoned)["error_cause"] == {"error_type": "RunnerDied", "block_type": None}
    other = new_session(status=Status.RUNNING, owner="alive")
    refused = writer.submit(abandonment(other.id, APP_ID, "dead")).exception(SECONDS)
    assert isinstance(refused, FencedError)


def test_failed_exit_names_its_cause() -> None:
    event = failed_exit(APP_ID, "LimitExceeded", "too much")
    assert (event.block_id, event.chunk_id, event.app_name) == ("exit-1", 1, APP_ID)
    assert event.data.to_wire() == {
        "exit_code": 1,
        "reason": "too much",
        "return_type": "str",
        "return_value": None,
        "error_cause": {"error_type": "LimitExceeded", "block_type": None},
    }


def test_unknown_session_cannot_be_cancelled(writer: LogWriter) -> None:
    refused = writer.submit(cancellation(uuid.uuid4(), APP_ID)).exception(SECONDS)
    assert isinstance(refused, FencedError)


FAILURE = {"reason": f"{FAILED}no", "return_value": None, "error_cause": ErrorCause(error_type="ValueError")}


@pytest.mark.parametrize(
    ("event", "is_the_apps"),
    [
        (exit_event(0), True),
        (exit_event(3), True),
        (exit_event(1, **FAILURE), True),
        (exit_event(1, return_type="NoneType", return_value="None"), True),
        (failed_exit(APP_ID, "RunnerDied", "The process died."), False),
        (exit_event(130), False),
        (exit_event(124), False),
    ],
    ids=["returned", "yr.exit", "failed", "yr.exit without value", "server's", "cancelled", "expired"],
)
def test_whose_exit_it_is(event: Event, is_the_apps: bool) -> None:
    assert is_of_app(event.data.to_wire()) == is_the_apps


@pytest.mark.parametrize(
    ("event", "may_be"),
    [
        (exit_event(0, reason=COMPLETED), False),
        (exit_event(1, **FAILURE), False),
        (exit_event(1, **FAILURE | {"error_cause": ErrorCause(error_type="SystemExit")}), True),
        (exit_event(0, reason="User quit"), True),
        (exit_event(3, error_cause=ErrorCause(error_type="unknown")), True),
    ],
    ids=["returned", "failed", "sys.exit", "yr.quit", "yr.exit"],
)
def test_which_exit_may_come_from_a_step(event: Event, may_be: bool) -> None:
    assert may_be_of_step(event.data.to_wire()) == may_be
