"""Suspects: sessions that were in app code when their runner died. Each is played alone, so that one
that crashes its process takes nobody along, and is known by it (invariant 8).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

from sessions_app.conf import conf
from sessions_app.database import in_database
from sessions_app.dispatch.recovery import give_up
from sessions_app.dispatch.runner_child import RunnerChild
from sessions_app.log_writer import LogWriter
from sessions_app.models import PLAYABLE, Session

log = logging.getLogger(__name__)

MAX_CELLS = 8
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 5.0  # a suspect that plays for longer does not hold up the next
IDLE_SECONDS = 10.0  # so long a runner is kept for the next suspect


class Cell:
    """One runner of its own, and the suspect in it."""

    def __init__(self, writer: LogWriter) -> None:
        self.child = RunnerChild(plays_suspects=True)
        self._writer = writer
        self._life = asyncio.create_task(self._live())
        self._playing: asyncio.Task[None] | None = None
        self.suspect: UUID | None = None
        self._free_since = time.monotonic()

    @property
    def is_alive(self) -> bool:
        return not self._life.done()

    @property
    def is_free(self) -> bool:
        return self.is_alive and (self._playing is None or self._playing.done())

    @property
    def is_idle(self) -> bool:
        return self.is_free and time.monotonic() - self._free_since > IDLE_SECONDS

    async def take_in(self, session_id: UUID, app_id: str, entry_point: str) -> None:
        """Play a suspect; returns when it is one no more, has killed the runner, or takes its time."""
        advance = {"do": "advance", "session": session_id.hex, "with": [app_id, entry_point]}
        self.suspect = session_id
        self._playing = asyncio.create_task(self._watch(session_id, advance))
        await asyncio.wait([self._playing], timeout=PATIENCE_SECONDS)

    async def close(self) -> None:
        """End the runner; what it plays is given up in order."""
        for task in (self._life, self._playing):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self.child.end()

    async def _live(self) -> None:
        await self.child.live()
        await give_up(Session.objects.owned_by(self.child.name), self._writer)

    async def _watch(self, session_id: UUID, advance: dict[str, Any]) -> None:
        suspect = Session.objects.filter(id=session_id, is_suspect=True, status__in=PLAYABLE)
        owner = suspect.values_list("owner", flat=True)
        told_at = -math.inf
        try:
            while self.is_alive and (held_by := await in_database(owner.first)) is not None:
                if not held_by and time.monotonic() - told_at > conf.sweep_seconds:
                    # Also again: the database may have refused the claim, or what the run then wrote.
                    self.child.send(advance)
                    told_at = time.monotonic()
                await asyncio.wait([self._life], timeout=LOOK_SECONDS)
        except Exception:
            log.exception("Suspect %s could not be looked up; the next look takes it up.", session_id)
        self.suspect = None
        self._free_since = time.monotonic()


class Quarantine:
    """Plays the suspects, the oldest first. `look` has it look for some at once."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._cells: list[Cell] = []
        self._is_due = asyncio.Event()

    @property
    def children(self) -> Iterator[RunnerChild]:
        """The runners that there are now."""
        return (cell.child for cell in self._cells)

    def look(self) -> None:
        self._is_due.set()

    async def run(self) -> None:
        """For as long as the server runs."""
        while True:
            try:
                await self._take_in_all()
            except Exception:
                log.exception("The suspects could not be looked up; trying again.")
            await self._close_all([cell for cell in self._cells if cell.is_idle or not cell.is_alive])
            with suppress(TimeoutError):
                async with asyncio.timeout(conf.sweep_seconds):
                    await self._is_due.wait()
            self._is_due.clear()

    async def close(self) -> None:
        await self._close_all(list(self._cells))

    async def _take_in_all(self) -> None:
        suspects = Session.objects.unowned().filter(is_suspect=True).order_by("created_at")
        columns = ("id", "app_id", "app__entry_point")
        for session_id, app_id, entry_point in await in_database(list, suspects.values_list(*columns)):
            if session_id not in {cell.suspect for cell in self._cells}:
                cell = await self._free_cell()
                await cell.take_in(session_id, app_id, entry_point)

    async def _free_cell(self) -> Cell:
        while True:
            for cell in self._cells:
                if cell.is_free:
                    return cell
            await self._close_all([cell for cell in self._cells if not cell.is_alive])
            if len(self._cells) < MAX_CELLS:
                self._cells.append(Cell(self._writer))
            else:
                await asyncio.sleep(LOOK_SECONDS)

    async def _close_all(self, cells: list[Cell]) -> None:
        for cell in cells:
            self._cells.remove(cell)
            await cell.close()
