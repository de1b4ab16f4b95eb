"""What the tests of sessions ask of a log."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from sessions_app import event_log
from sessions_app.frames import Entry
from sessions_app.models import Session

APP_MODULE = "one_app"
APP_ID = "one_app.main"


def entries(session_id: UUID | str) -> list[Entry]:
    """The whole log of a session (of at most 1000 entries)."""
    reading = event_log.read(UUID(str(session_id)), 0)
    assert reading is not None
    return reading.entries
