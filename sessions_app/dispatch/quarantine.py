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
from sessions_app.dispatch.runner_child import START_SECONDS, RunnerChild
from sessions_app.log_writer import LogWriter
from sessions_app.models import PLAYABLE, Session, SessionQuerySet

log = logging.getLogger(__name__)

MAX_CELLS = 4
LOOK_SECONDS = 0.05
TRIAL_SECONDS = 3.0  # for so long nobody else is taken into a suspect's runner
IDLE_SECONDS = 10.0  # so long a runner is kept for the next suspect


class Cell:
    """One runner, and the suspect that is on trial in it."""

    def __init__(self, writer: LogWriter) -> None:
        self.child = RunnerChild(plays_suspects=True)
        self._writer = writer
        self._life = asyncio.create_task(self._live())
        self.on_trial: UUID | None = None
        self._trial: asyncio.Task[None] | None = None
        self._free_since = time.monotonic()
        self.is_empty = True

    @property
    def is_alive(self) -> bool:
        return not self._life.done()

    @property
    def is_free(self) -> bool:
        """Whether another suspect can be taken in, beside those that have stood their trial."""
        return self.is_alive and self.on_trial is None

    @property
    def is_idle(self) -> bool:
        return self.is_free and self.is_empty and time.monotonic() - self._free_since > IDLE_SECONDS

    def take_in(self, session_id: UUID, app_id: str, entry_point: str) -> None:
        """Have a suspect played."""
        advance = {"do": "advance", "session": session_id.hex, "with": [app_id, entry_point]}
        self.on_trial, self.is_empty = session_id, False
        self._trial = asyncio.create_task(self._try(session_id, advance))

    async def look(self) -> None:
        """Find out whether anybody is left in it."""
        self.is_empty = self.is_free and not await in_database(self._inmates.exists)

    async def close(self) -> None:
        """End the runner; what it plays is given up in order."""
        for task in (self._life, self._trial):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self.child.end()

    @property
    def _inmates(self) -> SessionQuerySet:
        return Session.objects.owned_by(self.child.name)

    async def _live(self) -> None:
        await self.child.live()
        await give_up(self._inmates, self._writer, accused=self.on_trial)

    async def _try(self, session_id: UUID, advance: dict[str, Any]) -> None:
        """Until it is no suspect any more, has killed the runner, or has been good for long enough."""
        suspect = Session.objects.filter(id=session_id, is_suspect=True, status__in=PLAYABLE)
        owner = suspect.values_list("owner", flat=True)
        deadline, told_at = time.monotonic() + START_SECONDS, -math.inf
        try:
            while self.is_alive and (held_by := await in_database(owner.first)) is not None:
                now = time.monotonic()
                if held_by == self.child.name:
                    deadline = min(deadline, now + TRIAL_SECONDS)
                elif now - told_at > conf.sweep_seconds:
                    # Also again: the database may have refused the claim, or what the run then wrote.
                    self.child.send(advance)
                    told_at = now
                if now > deadline:
                    break
                await asyncio.wait([self._life], timeout=LOOK_SECONDS)
        except Exception:
            log.exception("Suspect %s could not be looked up; the next look takes it up.", session_id)
        finally:
            self.on_trial = None
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
            if all(cell.on_trial != session_id for cell in self._cells):
                (await self._free_cell()).take_in(session_id, app_id, entry_point)
        for cell in self._cells:
            await cell.look()
        await self._close_all([cell for cell in self._cells if cell.is_idle or not cell.is_alive])

    async def _free_cell(self) -> Cell:
        """An empty one, or else a new one, or else one whose suspects have stood their trial."""
        while True:
            await self._close_all([cell for cell in self._cells if not cell.is_alive])
            free = [cell for cell in self._cells if cell.is_free]
            if empty := [cell for cell in free if cell.is_empty]:
                return empty[0]
            if len(self._cells) < MAX_CELLS:
                self._cells.append(Cell(self._writer))
                return self._cells[-1]
            if free:
                return free[0]
            await asyncio.sleep(LOOK_SECONDS)

    async def _close_all(self, cells: list[Cell]) -> None:
        for cell in cells:
            self._cells.remove(cell)
            await cell.close()
