"""A session that was taken up, as playing it needs it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sessions_app.writes import Position


@dataclass(frozen=True, slots=True)
class Claim:
    """A session that this process has taken up, and where its row stood then.

    `code_hash` is that of the app file that it was last played with.
    """

    session_id: UUID
    app_id: str
    entry_point: str
    position: Position
    is_suspect: bool = False
    code_hash: str = ""
