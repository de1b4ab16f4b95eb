"""The runner process beside a single web process: started, watched, replaced.

One server a database: a lock file says so, and thus that every owner in it is dead at start.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection

from sessions_app.conf import conf
from sessions_app.database import in_database
from sessions_app.dispatch.base import Dispatch
from sessions_app.dispatch.quarantine import Quarantine
from sessions_app.dispatch.recovery import give_up, look_and_give_up
from sessions_app.dispatch.runner_child import RunnerChild
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.models import Session

log = logging.getLogger(__name__)

STEADY_SECONDS = 5.0  # a runner that lived this long is replaced at once, one that did not with a pause
MAX_PAUSE_SECONDS = 5.0


class LocalDispatch(Dispatch):
    """Keeps one runner process alive, and some for suspects. `writer` gives up what a dead one leaves."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._child: RunnerChild | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._lock: int | None = None
        self._quarantine = Quarantine(writer)

    async def start(self) -> None:
        self._lock = await in_database(_lock_database)
        await give_up(Session.objects.owned(), self._writer)
        self._tasks = [
            asyncio.create_task(self._supervise()),
            asyncio.create_task(self._quarantine.run()),
            asyncio.create_task(self._give_up_orphans()),
            asyncio.create_task(self._watch_lock()),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._quarantine.close()
        if self._child is not None:
            await self._child.end()
        if self._lock is not None:
            os.close(self._lock)

    def advance(self, session_id: UUID, app_id: str, entry_point: str) -> None:
        self._tell(self._child, "advance", session_id, app_id, entry_point)

    def wake(self, session_id: UUID, interaction: Entry) -> None:
        # All are told: which of them has it, or will take it up, is in the database.
        for child in self._children:
            self._tell(child, "wake", session_id, interaction)

    def halt(self, session_id: UUID) -> None:
        for child in self._children:
            self._tell(child, "halt", session_id)

    @property
    def problem(self) -> str:
        child = self._child
        if child is None or not child.has_reported:
            return "The runner is starting."
        if child.silent_seconds > 2 * conf.sweep_seconds + 5:
            return f"The runner has not reported for {child.silent_seconds:.0f} s."
        return ""

    @property
    def _children(self) -> Iterator[RunnerChild]:
        if self._child is not None:
            yield self._child
        yield from self._quarantine.children

    def _tell(self, child: RunnerChild | None, what: str, session_id: UUID, *arguments: Any) -> None:
        if child is not None:
            child.send({"do": what, "session": session_id.hex, "with": arguments})

    async def _supervise(self) -> None:
        pause = 0.0
        while True:
            started = time.monotonic()
            try:
                await self._keep_one()
            except Exception:
                log.exception("The runner could not be replaced; trying again.")
            is_steady = time.monotonic() - started > STEADY_SECONDS
            pause = 0.0 if is_steady else min(MAX_PAUSE_SECONDS, pause + 0.5)
            await asyncio.sleep(pause)

    async def _keep_one(self) -> None:
        """From the start of a runner process to its death, and what it left behind."""
        child = self._child = RunnerChild()
        await child.live()
        self._child = None
        await give_up(Session.objects.owned_by(child.name), self._writer)
        self._quarantine.look()

    async def _give_up_orphans(self) -> None:
        """Give up what is held by nobody that lives here.

        A runner whose server was killed may take a session up at its very last, when the next
        server has already looked.
        """
        while True:
            await asyncio.sleep(conf.sweep_seconds)
            # One look each time, since runners that start meanwhile are not among these.
            living = [child.name for child in self._children]
            try:
                await look_and_give_up(Session.objects.owned().exclude(owner__in=living), self._writer)
            except Error as error:
                log.error("Sessions that nobody holds could not be given up; trying again: %s", error)

    async def _watch_lock(self) -> None:
        """Kill a runner that holds up the others' writes, and neither commits nor reports.

        Code that never lets go of Python's global lock may have stopped it in the middle of a commit.
        """
        while True:
            await asyncio.sleep(conf.lock_seconds / 4)
            limit = max(conf.lock_seconds, 3 * conf.sweep_seconds)
            for child in self._children:
                waited = self._waited_seconds(child)
                if child.has_reported and min(waited, child.silent_seconds) > limit:
                    log.error("Runner %s has held up all writes for %.1f s; killing it.", child.name, waited)
                    child.process.kill()

    def _waited_seconds(self, child: RunnerChild) -> float:
        """How long a write of somebody else than this runner has been waiting for its turn."""
        others = [other.waited_seconds for other in self._children if other is not child]
        return max([self._writer.waited_seconds, *others])


def _lock_database() -> int | None:
    """Take the lock of the one server that may use a SQLite file; raises ImproperlyConfigured if taken."""
    if connection.vendor != "sqlite":
        return None
    name = str(connection.settings_dict["NAME"])
    lock = os.open(f"{name}.server", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise ImproperlyConfigured(
            f"Another server already runs on {name}. Stop it, or give this one its own DATABASE_URL."
        ) from error
    return lock
