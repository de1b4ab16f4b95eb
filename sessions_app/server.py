"""What a web process holds while it serves: its log writer, its dispatch, and which keys are in flight."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from sessions_app.dispatch.base import Dispatch
from sessions_app.idempotency import KeysInFlight
from sessions_app.log_writer import LogWriter
from sessions_app.notifications import Feed, announce, to_message
from sessions_app.writes import Hint


class Server:
    """One a process. Started by the first of ASGI's lifespan or an HTTP request."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop
        self._starting: asyncio.Task[None] | None = None
        self._is_started = False
        self._announcements: set[asyncio.Task[None]] = set()
        self.in_flight = KeysInFlight()
        self.writer = LogWriter(self._publish)
        self.dispatch: Dispatch = import_string(settings.YERA_DISPATCH)(self.writer)

    async def start(self) -> None:
        """Start what serving needs; later calls wait for the first."""
        if self._is_started:
            return
        if self._starting is None or (self._starting.done() and self._starting.exception()):
            self._loop = asyncio.get_running_loop()
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)  # a client that goes must not cut it off
        self._is_started = True

    async def stop(self) -> None:
        """End the runners, then write what is pending."""
        if self._starting is not None:
            await self.dispatch.stop()
            await asyncio.to_thread(self.writer.stop)

    async def _start(self) -> None:
        self.writer.start()
        await self.dispatch.start()

    def _publish(self, hints: list[Hint]) -> None:
        for hint in hints:
            self._loop.call_soon_threadsafe(self._announce, to_message(hint))

    def _announce(self, message: dict[str, Any]) -> None:
        task = self._loop.create_task(announce(message))
        self._announcements.add(task)
        task.add_done_callback(self._announcements.discard)


@functools.cache
def server() -> Server:
    """This process's server."""
    return Server()


def begin_shutdown() -> None:
    """Wake every open stream so that it tells its client to come back, and ends."""
    Feed.current().close()
