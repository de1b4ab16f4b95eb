"""The twin of local.py for tests: a runner in this very process, without a process to watch."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from uuid import UUID

from apps_app.discovery import install_author_api
from sessions_app.database import in_database
from sessions_app.dispatch.base import Dispatch
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.runner import Runner

log = logging.getLogger(__name__)


class InlineDispatch(Dispatch):
    """Calls the runner from the database threads, in order; async apps run in the loop of `start`."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._calls: asyncio.Queue[Callable[[Runner], None]] = asyncio.Queue()
        self._obeying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        install_author_api()
        runner = Runner(f"inline-{threading.get_ident()}", self._writer, asyncio.get_running_loop())
        self._obeying = asyncio.create_task(self._obey(runner))

    async def stop(self) -> None:
        if self._obeying is not None:
            self._obeying.cancel()
            await asyncio.gather(self._obeying, return_exceptions=True)
            self._obeying = None

    def advance(self, session_id: UUID, app_id: str, entry_point: str) -> None:
        self._calls.put_nowait(lambda runner: runner.advance(session_id, app_id, entry_point))

    def wake(self, session_id: UUID, interaction: Entry) -> None:
        self._calls.put_nowait(lambda runner: runner.wake(session_id, interaction))

    def halt(self, session_id: UUID) -> None:
        self._calls.put_nowait(lambda runner: runner.halt(session_id))

    @property
    def problem(self) -> str:
        return "" if self._obeying is not None else "The runner has not been started."

    async def _obey(self, runner: Runner) -> None:
        while True:
            call = await self._calls.get()
            try:
                await in_database(call, runner)
            except Exception:
                log.exception("A call to the runner failed.")
