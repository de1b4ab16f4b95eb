"""The runner process beside a single web process: started, watched, replaced.

One server a database: a lock file says so, and thus that every owner in it is dead at start.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
import subprocess
import sys
import time
import uuid
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection

from sessions_app.conf import conf
from sessions_app.database import in_database
from sessions_app.dispatch.base import Dispatch
from sessions_app.dispatch.channel import READ_BYTES, packed, unpacker
from sessions_app.exits import abandonment
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.models import Session
from sessions_app.notifications import announce
from sessions_app.writes import FencedError

log = logging.getLogger(__name__)

START_SECONDS = 60.0  # a runner may take this long to report for the first time
STEADY_SECONDS = 5.0  # a runner that lived this long is replaced at once, one that did not with a pause
MAX_PAUSE_SECONDS = 5.0
RETRY_SECONDS = 1.0
KILL_SECONDS = 5.0


class RunnerChild:
    """One runner process and our end of its channel."""

    def __init__(self) -> None:
        self.name = f"local-{uuid.uuid4().hex[:12]}"
        self._last_alive = time.monotonic()
        self.has_reported = False
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "sessions_app.dispatch", self.name, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the server, which then ends its runner
            )
        self._end = ours
        self._writer: asyncio.StreamWriter | None = None

    @property
    def silent_seconds(self) -> float:
        """Since it reported that it is alive, or was started."""
        return time.monotonic() - self._last_alive

    @property
    def _patience_seconds(self) -> float:
        return conf.runner_silence_seconds if self.has_reported else START_SECONDS

    async def attend(self) -> None:
        """Pass on its hints until it is gone or has been silent for too long."""
        reader, self._writer = await asyncio.open_connection(sock=self._end)
        incoming = unpacker()
        try:
            while data := await asyncio.wait_for(reader.read(READ_BYTES), self._patience_seconds):
                incoming.feed(data)
                for message in incoming:
                    await self._take(message)
        except TimeoutError:
            log.error("Runner %s has not reported for %s s.", self.name, self._patience_seconds)
            self.process.kill()
        except ConnectionError:
            log.warning("Runner %s broke its connection.", self.name)

    async def _take(self, message: dict[str, Any]) -> None:
        if message["is"] == "hint":
            await announce(message["hint"])
            await asyncio.sleep(0)  # let the layer deliver, so that a flood does not fill its channel
        else:
            self._last_alive = time.monotonic()
            self.has_reported = True

    def send(self, message: dict[str, Any]) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(packed(message))

    async def end(self) -> int:
        """Close the channel, which ends it; kill it if it does not go. Its exit code."""
        if self._writer is not None:
            self._writer.close()
        else:
            self._end.close()
        try:
            return await asyncio.to_thread(self.process.wait, KILL_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return await asyncio.to_thread(self.process.wait)


class LocalDispatch(Dispatch):
    """Keeps one runner process alive. `writer` ends the sessions that a dead one leaves behind."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._child: RunnerChild | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._lock: int | None = None

    async def start(self) -> None:
        self._lock = await in_database(_lock_database)
        await self._end_abandoned()
        self._tasks = [asyncio.create_task(self._supervise()), asyncio.create_task(self._watch_lock())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._child is not None:
            await self._child.end()
        if self._lock is not None:
            os.close(self._lock)

    def advance(self, session_id: UUID, app_id: str, entry_point: str) -> None:
        self._tell("advance", session_id, app_id, entry_point)

    def wake(self, session_id: UUID, interaction: Entry) -> None:
        self._tell("wake", session_id, interaction)

    def halt(self, session_id: UUID) -> None:
        self._tell("halt", session_id)

    @property
    def problem(self) -> str:
        child = self._child
        if child is None or not child.has_reported:
            return "The runner is starting."
        if child.silent_seconds > 2 * conf.sweep_seconds + 5:
            return f"The runner has not reported for {child.silent_seconds:.0f} s."
        return ""

    def _tell(self, what: str, session_id: UUID, *arguments: Any) -> None:
        if self._child is not None:
            self._child.send({"do": what, "session": session_id.hex, "with": arguments})

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
        """From the start of a runner process to its death, and the end of what it left behind."""
        child = self._child = RunnerChild()
        try:
            await child.attend()
        except Exception:
            log.exception("Runner %s cannot be understood.", child.name)
            child.process.kill()
        self._child = None
        log.error("Runner %s died with exit code %s.", child.name, await child.end())
        await self._end_abandoned()

    async def _end_abandoned(self) -> None:
        """Whoever owns a session now is dead: end each as failed, however long the database refuses it."""
        while True:
            if await self._tried_to_end_abandoned():
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _tried_to_end_abandoned(self) -> bool:
        try:
            owned = await in_database(lambda: list(Session.objects.owned().only("app_id", "owner")))
            writes = [abandonment(session.id, session.app_id, session.owner) for session in owned]
            results = await asyncio.gather(
                *(asyncio.wrap_future(self._writer.submit(write)) for write in writes), return_exceptions=True
            )
        except Error:
            log.exception("Sessions of a dead runner could not be looked up; trying again.")
            return False
        # A fence is as good: the session ended by itself before its runner died.
        failures = [
            each for each in results if isinstance(each, BaseException) and not isinstance(each, FencedError)
        ]
        for failure in failures:
            log.error("A session of a dead runner could not be ended; trying again: %s", failure)
        return not failures

    async def _watch_lock(self) -> None:
        """Kill a runner that holds up our own writes, and neither commits nor reports.

        Code that never lets go of Python's global lock may have stopped it in the middle of a commit.
        """
        while True:
            await asyncio.sleep(conf.lock_seconds / 4)
            child, waited = self._child, self._writer.waited_seconds
            limit = max(conf.lock_seconds, 3 * conf.sweep_seconds)
            if child is None or not child.has_reported:
                continue
            if min(waited, child.silent_seconds) > limit:
                log.error("Runner %s has held up all writes for %.1f s; killing it.", child.name, waited)
                child.process.kill()


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
