"""Ends the streams of viewers who have lost the right to see what they watch.

Signing out, a deleted token, a deactivated user, a session that is gone: whatever ends a right,
it is found here, without anybody having to tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol
from uuid import UUID

from sessions_app.authentication import Caller
from sessions_app.database import in_database
from sessions_app.models import Session
from sessions_app.permissions import may_see

SESSIONS_A_QUERY = 500  # SQLite takes some thousand parameters


class Viewing(Protocol):
    """An open stream: who watches which session."""

    @property
    def session_id(self) -> UUID: ...

    @property
    def viewer(self) -> Caller: ...

    def revoke(self) -> None:
        """End the stream."""


async def end_unauthorised(viewings: Collection[Viewing]) -> None:
    """Look up all viewers and what they watch, each once, and end what is no longer allowed."""
    owners = await _owners({viewing.session_id for viewing in viewings})
    today = {viewer: await viewer.today() for viewer in {viewing.viewer for viewing in viewings}}
    for viewing in viewings:
        session_id = viewing.session_id
        if session_id not in owners or not may_see(today[viewing.viewer], owners[session_id]):
            viewing.revoke()


async def _owners(session_ids: Iterable[UUID]) -> dict[UUID, int | None]:
    ids = list(session_ids)
    owners: dict[UUID, int | None] = {}
    for start in range(0, len(ids), SESSIONS_A_QUERY):
        rows = Session.objects.filter(id__in=ids[start : start + SESSIONS_A_QUERY])
        owners.update(await in_database(dict, rows.values_list("id", "user_id")))
    return owners
