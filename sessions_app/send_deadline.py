"""Ends a stream whose client takes nothing: one timer a stream, however often it sends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[Any], Awaitable[None]]


class SendDeadline:
    """`send`, of which no call may take longer than `seconds`: else the task that calls it is cancelled."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None  # when the call under way began
        self._timer: asyncio.TimerHandle | None = None
        self.has_passed = False

    async def send(self, message: Any) -> None:
        self._since = self._loop.time()
        await self._send(message)
        self._since = None

    def watch(self, sending: asyncio.Task[Any]) -> None:
        """From now on, until the task has ended."""
        self._timer = self._loop.call_later(self._seconds, self._look, sending)
        sending.add_done_callback(self._end)

    def _end(self, _sending: asyncio.Task[Any]) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, sending: asyncio.Task[Any]) -> None:
        now = self._loop.time()
        since = now if self._since is None else self._since
        if now - since >= self._seconds:
            self.has_passed = True
            sending.cancel()
        else:
            self._timer = self._loop.call_at(since + self._seconds, self._look, sending)
