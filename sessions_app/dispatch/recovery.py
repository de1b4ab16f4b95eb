"""What becomes of the sessions of a runner that has died: they are given up, so that the next plays them on.

Those that were in app code are suspects (invariant 8): they are played alone. Only a death there
counts, and MAX_DEATHS of them end the session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from django.db import Error

from sessions_app.database import in_database
from sessions_app.exits import abandonment
from sessions_app.log_writer import LogWriter
from sessions_app.models import Session, SessionQuerySet, Status
from sessions_app.writes import FencedError, Write

log = logging.getLogger(__name__)

MAX_DEATHS = 3
RETRY_SECONDS = 1.0


async def give_up(owned: SessionQuerySet, writer: LogWriter) -> None:
    """Give up these sessions, whose owners are dead, however long the database refuses it."""
    while True:
        if await _tried_to_give_up(owned, writer):
            return
        await asyncio.sleep(RETRY_SECONDS)


async def _tried_to_give_up(owned: SessionQuerySet, writer: LogWriter) -> bool:
    columns = ("app_id", "owner", "status", "is_suspect", "deaths")
    try:
        sessions = await in_database(lambda: list(owned.only(*columns)))
        results = await asyncio.gather(
            *(asyncio.wrap_future(writer.submit(release(session))) for session in sessions),
            return_exceptions=True,
        )
    except Error:
        log.exception("Sessions of a dead runner could not be looked up; trying again.")
        return False
    return _are_given_up(results)


def _are_given_up(results: Iterable[object]) -> bool:
    # A fence is as good: the session came to its end, or was given up, before its runner died.
    failures = [each for each in results if isinstance(each, Exception) and not isinstance(each, FencedError)]
    for failure in failures:
        log.error("A session of a dead runner could not be given up; trying again: %s", failure)
    return not failures


def release(session: Session) -> Write:
    """Gives up a session, or ends one that has killed too many runners."""
    deaths = session.deaths + session.is_suspect
    if deaths >= MAX_DEATHS:
        return abandonment(session.id, session.app_id, session.owner)
    changes: dict[str, Any] = {"owner": ""}
    if session.status == Status.RUNNING:
        changes |= {"is_suspect": True, "deaths": deaths}
    where = {"owner": session.owner, "status": session.status}
    return Write(session.id, where, changes=changes, raise_epoch=True)
