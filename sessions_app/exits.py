"""How a session ends: the one write that sets its status and appends its exit (invariant 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps_app.blocks import ErrorCause, Exit
from apps_app.events import Event
from sessions_app.event_log import NewEntry, Write
from sessions_app.models import LIVE, Kind, Status

EXIT_BLOCK_ID = "exit-1"
CANCELLED_EXIT_CODE = 130


def ending(
    session_id: UUID,
    where: Mapping[str, Any],
    exit_event: Event,
    *,
    failure: str = "",
    status: Status | None = None,
) -> Write:
    """The write that ends a session; by default an exit code of 0 is `finished`, any other `failed`."""
    data = exit_event.data.to_wire()
    if status is None:
        status = Status.FAILED if data["exit_code"] else Status.FINISHED
    changes = {
        "status": status,
        "pending": [],
        "owner": "",
        "exit": data,
        "failure": failure,
        "finished_at": timezone.now(),
    }
    entry = NewEntry(Kind.EVENT, exit_event.to_json(), closes_turn=True)
    return Write(session_id, where, [entry], changes)


def failed_exit(app_id: str, error_type: str, reason: str, block_id: str = EXIT_BLOCK_ID) -> Event:
    """The exit of a session that the server, not its app, ends as failed."""
    data = Exit(
        exit_code=1,
        reason=reason,
        return_type="str",
        return_value=None,
        error_cause=ErrorCause(error_type=error_type),
    )
    return Event(block_id, 1, data, app_id)


def cancellation(session_id: UUID, app_id: str) -> Write:
    """Ends a live session for its user, whoever plays it: a run that goes on is fenced off."""
    data = Exit(
        exit_code=CANCELLED_EXIT_CODE,
        reason="Cancelled by the user",
        return_type="NoneType",
        return_value="None",
        error_cause=None,
    )
    event = Event(EXIT_BLOCK_ID, 1, data, app_id)
    write = ending(session_id, {"status": tuple(LIVE)}, event, status=Status.CANCELLED)
    write.raise_epoch = True
    return write


def abandonment(session_id: UUID, app_id: str, owner: str) -> Write:
    """Ends a session whose runner died while it played it."""
    reason = "The process that ran this session died."
    write = ending(session_id, {"owner": owner}, failed_exit(app_id, "RunnerDied", reason), failure=reason)
    write.raise_epoch = True
    return write
