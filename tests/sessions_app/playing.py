"""What the tests of sessions ask of a log."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from sessions_app import log_reading
from sessions_app.authentication import Caller
from sessions_app.frames import Entry
from sessions_app.models import Kind, LogEntry, Session

APP_MODULE = "one_app"
APP_ID = "one_app.main"
ENTRY_POINT = "one_app:main"

ANYBODY = Caller()


def entries(session_id: UUID | str) -> list[Entry]:
    """The whole log of a session (of at most 1000 entries)."""
    reading = log_reading.read(UUID(str(session_id)), 0)
    assert reading is not None
    return reading.entries


def rows(session_id: UUID, up_to: int | None = None) -> list[LogEntry]:
    """A session's log as it is kept, with what was taken back; up to a seq, if one is given."""
    return list(LogEntry.objects.filter(session=session_id).order_by("seq")[:up_to])


def exit_of(session: Session) -> dict[str, Any]:
    """How a session ended, as its row has it."""
    assert session.exit is not None
    return dict(session.exit)


def interaction(seq: int, block_id: str, value: Any, block_type: str = "text") -> Entry:
    """A recorded answer, as a run reads it."""
    payload = json.dumps({"blockId": block_id, "value": value, "blockType": block_type})
    return Entry(seq, Kind.INTERACTION, False, payload.encode())


def shown(session_id: UUID | str) -> list[dict[str, Any]]:
    """The events of a session's log."""
    return [json.loads(entry.payload) for entry in entries(session_id) if entry.kind == Kind.EVENT]


def texts(session_id: UUID | str) -> list[str]:
    """What the session's markdown blocks say, chunk by chunk."""
    return [event["data"]["content"] for event in shown(session_id) if event["block_type"] == "markdown"]


def answers_of(session_id: UUID | str, up_to: int | None = None) -> dict[str, Any]:
    """The answers that a session's log has, by block id, in order; up to a seq, if one is given.

    Each answers one prompt, and no prompt is answered twice.
    """
    given = [e for e in entries(session_id)[:up_to] if e.kind == Kind.INTERACTION]
    answers = [(posted["blockId"], posted["value"]) for posted in (json.loads(e.payload) for e in given)]
    assert len(dict(answers)) == len(answers)
    return dict(answers)
