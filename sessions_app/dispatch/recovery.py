"""What becomes of the sessions of a runner that has died: they are given up, so that the next plays them on.

Those that were in app code are suspects (invariant 8), to be played in quarantine.py. Only a death
there counts, and MAX_DEATHS of them end the session.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

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


async def give_up(owned: SessionQuerySet, writer: LogWriter, accused: UUID | None = None) -> None:
    """Give up these sessions, whose owners are dead, however long the database refuses it.

    `accused` is the suspect that was on trial when its runner died, if there was one.
    """
    while True:
        try:
            if not await look_and_give_up(owned, writer, accused):
                return
        except Error as error:
            log.error("Sessions of a dead runner could not be given up; trying again: %s", error)
            await asyncio.sleep(RETRY_SECONDS)


async def look_and_give_up(owned: SessionQuerySet, writer: LogWriter, accused: UUID | None = None) -> bool:
    """One look: whether there were any, of which some may have changed just then."""
    sessions = await in_database(lambda: list(owned.only(*COLUMNS)))
    blamed = _blamed(sessions, accused)
    await asyncio.gather(*(_give_up(session, writer, session in blamed) for session in sessions))
    return bool(sessions)


def _blamed(sessions: Iterable[Session], accused: UUID | None) -> list[Session]:
    """The suspects that have killed their runner: the accused, and who was alone in it."""
    suspects = [session for session in sessions if session.is_suspect]
    crowd = Counter(suspect.owner for suspect in suspects)
    return [suspect for suspect in suspects if suspect.id == accused or crowd[suspect.owner] == 1]


async def _give_up(session: Session, writer: LogWriter, is_blamed: bool) -> None:
    with suppress(FencedError):  # answered or ended just now: the next look tells
        await asyncio.wrap_future(writer.submit(release(session, is_blamed=is_blamed)))


def release(session: Session, *, is_blamed: bool = False) -> Write:
    """Gives up a session, or ends one that is to blame for too many deaths."""
    deaths = session.deaths + is_blamed
    if deaths >= MAX_DEATHS:
        return abandonment(session.id, session.app_id, session.owner)
    changes: dict[str, Any] = {"owner": ""}
    if session.status == Status.RUNNING:
        changes |= {"is_suspect": True, "deaths": deaths}
    where = {"owner": session.owner, "status": session.status}
    return Write(session.id, where, changes=changes, raise_epoch=True)
