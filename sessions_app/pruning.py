"""Removes sessions that ended long ago, with their logs, while a server may run on the same database.

One that is interrupted leaves a session half removed: still ended, still old, so that the next finds it.
"""

from __future__ import annotations

import datetime
import re
from contextlib import suppress
from uuid import UUID

from django.utils import timezone

from sessions_app.log_writer import LogWriter
from sessions_app.models import Session
from sessions_app.writes import FencedError, Removal

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def time_before(age: str) -> datetime.datetime:
    """The time that is so long ago: a whole number and its unit, such as 90s, 15m, 12h, 30d or 8w.

    Raises ValueError with a sentence for anything else.
    """
    match = re.fullmatch(r"([0-9]+)([smhdw])", age)
    if match is None:
        raise ValueError(f"{age!r} is no age: give a whole number and its unit, such as 90s, 12h, 30d or 8w.")
    try:
        return timezone.now() - datetime.timedelta(**{UNITS[match[2]]: int(match[1])})
    except (ValueError, OverflowError) as error:  # int() takes no more than some thousand digits
        raise ValueError(f"{age!r} is longer ago than there are dates; give less.") from error


def prune(before: datetime.datetime, batch: int) -> int:
    """Remove all sessions that ended before then, found `batch` at a time; how many it were."""
    writer = LogWriter(lambda hints: None)  # nobody is told: their streams have ended, or look for themselves
    writer.start()
    count = 0
    try:
        while session_ids := _oldest(before, batch):
            count += sum(_remove(writer, session_id) for session_id in session_ids)
    finally:
        writer.stop()
    return count


def _oldest(before: datetime.datetime, batch: int) -> list[UUID]:
    return list(Session.objects.finished_before(before).values_list("id", flat=True)[:batch])


def _remove(writer: LogWriter, session_id: UUID) -> bool:
    """One piece after the other, each in a commit of its own; False where it was gone already."""
    is_there = False
    with suppress(FencedError):  # as soon as nothing is left of it
        while True:
            writer.submit(Removal(session_id)).result()
            is_there = True
    return is_there
