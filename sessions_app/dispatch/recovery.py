"""What becomes of the sessions of a runner that has died: they are given up, so that the next plays them on.

Those that were in app code are suspects (invariant 8): they are played alone. Only a death there
counts, and MAX_DEATHS of them end the session.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
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
COLUMNS = ("app_id", "owner", "status", "is_suspect", "deaths")


async def give_up(owned: SessionQuerySet, writer: LogWriter) -> None:
    """Give up these sessions, whose owners are dead, however long the database refuses it."""
    while True:
        try:
            sessions = await in_database(lambda: list(owned.only(*COLUMNS)))
            if not sessions:
                return
            await asyncio.gather(*(_give_up(session, writer) for session in sessions))
        except Error as error:
            log.error("Sessions of a dead runner could not be given up; trying again: %s", error)
            await asyncio.sleep(RETRY_SECONDS)


async def _give_up(session: Session, writer: LogWriter) -> None:
    with suppress(FencedError):  # answered or ended just now: the next look tells
        await asyncio.wrap_future(writer.submit(release(session)))


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
