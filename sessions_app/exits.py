"""How a session ends: the one write that sets its status and appends its exit (invariant 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from django.utils import timezone

from apps_app.blocks import BlockData, ErrorCause, Exit
from apps_app.dsl.app import COMPLETED, FAILED
from apps_app.events import Event, storable
from sessions_app.models import LIVE, Kind, Status
from sessions_app.writes import NewEntry, Write

EXIT_BLOCK_ID = "exit-1"
MAX_TEXT = 1_000_000  # characters of an exit's reason, return value and traceback
EXPIRED_EXIT_CODE = 124
CANCELLED_EXIT_CODE = 130
STATUSES = {
    0: Status.FINISHED,
    EXPIRED_EXIT_CODE: Status.EXPIRED,
    CANCELLED_EXIT_CODE: Status.CANCELLED,
}


def ending(
    session_id: UUID,
    where: Mapping[str, Any],
    exit_event: Event,
    *,
    failure: str = "",
) -> Write:
    """The write that ends a session; its status follows from the exit code."""
    _shorten(exit_event.data)
    payload = exit_event.to_json()
    data = orjson.loads(payload)["data"]
    changes = {
        "status": STATUSES.get(data["exit_code"], Status.FAILED),
        "pending": [],
        "owner": "",
        "wake_at": None,
        "exit": data,
        "failure": storable(failure[:MAX_TEXT]),
        "finished_at": timezone.now(),
    }
    entry = NewEntry(Kind.EVENT, payload, closes_turn=True)
    # The epoch is raised by its owner too, so that nothing of its own comes after the exit.
    return Write(session_id, where, [entry], changes, raise_epoch=True)


def _shorten(data: BlockData) -> None:
    """Room for the exit is always kept, but not for any exit."""
    if isinstance(data, Exit):
        for name in ("reason", "return_type", "return_value"):
            text = getattr(data, name)
            if text is not None and len(text) > MAX_TEXT:
                setattr(data, name, f"{text[:MAX_TEXT]}…")


def failed_exit(app_id: str, error_type: str, reason: str) -> Event:
    """The exit of a session that the server, not its app, ends as failed."""
    data = Exit(
        exit_code=1,
        reason=reason,
        return_type="str",
        return_value=None,
        error_cause=ErrorCause(error_type=error_type),
    )
    return Event(EXIT_BLOCK_ID, 1, data, app_id)


def is_of_app(exit_data: Mapping[str, Any]) -> bool:
    """Whether the app has come to this exit; else somebody else put an end to the session on its way."""
    if STATUSES.get(exit_data["exit_code"]) in (Status.EXPIRED, Status.CANCELLED):
        return False
    if exit_data["return_type"] != "str" or exit_data["return_value"] is not None:
        return True
    return str(exit_data["reason"]).startswith(FAILED)  # the others of this form are `failed_exit`'s


def may_be_of_step(exit_data: Mapping[str, Any]) -> bool:
    """Whether the code of a step may have ended the session, which leaves the step without a result."""
    cause = exit_data.get("error_cause")
    if cause is not None and str(exit_data["reason"]).startswith(FAILED):
        return bool(cause["error_type"] == SystemExit.__name__)
    return bool(exit_data["reason"] != COMPLETED)


def cancellation(session_id: UUID, app_id: str) -> Write:
    """Ends a live session for its user, whoever plays it: a run that goes on is fenced off."""
    event = _early_exit(app_id, CANCELLED_EXIT_CODE, "Cancelled by the user")
    return ending(session_id, {"status": tuple(LIVE)}, event)


def expiration(session_id: UUID, app_id: str, where: Mapping[str, Any], reason: str) -> Write:
    """Ends a session that is overdue, whoever plays it, if `where` still says so."""
    return ending(session_id, where, expired_exit(app_id, reason))


def expired_exit(app_id: str, reason: str) -> Event:
    """The exit of a session that has taken longer than it may."""
    return _early_exit(app_id, EXPIRED_EXIT_CODE, reason)


def _early_exit(app_id: str, exit_code: int, reason: str) -> Event:
    """Neither a result nor a failure of the app."""
    data = Exit(
        exit_code=exit_code, reason=reason, return_type="NoneType", return_value="None", error_cause=None
    )
    return Event(EXIT_BLOCK_ID, 1, data, app_id)


def abandonment(session_id: UUID, app_id: str, owner: str) -> Write:
    """Ends a session whose runner died while it played it."""
    reason = "The process that ran this session died."
    return ending(session_id, {"owner": owner}, failed_exit(app_id, "RunnerDied", reason), failure=reason)
