"""One runner process, as the server that started it sees it: its channel, its signs of life, its end."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import time
import uuid
from typing import Any

from django.conf import settings

from sessions_app.conf import conf
from sessions_app.dispatch.channel import READ_BYTES, packed, unpacker
from sessions_app.notifications import announce

log = logging.getLogger(__name__)

START_SECONDS = 60.0  # a runner may take this long to report for the first time
KILL_SECONDS = 5.0


class RunnerChild:
    """Starts with its process. One that `plays_suspects` does only that, as the server tells it."""

    def __init__(self, *, plays_suspects: bool = False) -> None:
        self.name = f"local-{uuid.uuid4().hex[:12]}"
        self._last_alive = time.monotonic()
        self.has_reported = False
        self.waited_seconds = 0.0  # of its writer, when it last reported
        ours, theirs = socket.socketpair()
        options = ["--suspects"] if plays_suspects else []
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "sessions_app.dispatch", self.name, str(theirs.fileno()), *options],
                pass_fds=[theirs.fileno()],
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the server, which then ends its runner
            )
        self._end = ours
        self._writer: asyncio.StreamWriter | None = None
        self._unsent: list[bytes] = []

    @property
    def silent_seconds(self) -> float:
        """Since it reported that it is alive, or was started."""
        return time.monotonic() - self._last_alive

    @property
    def _patience_seconds(self) -> float:
        return conf.runner_silence_seconds if self.has_reported else START_SECONDS

    async def live(self) -> None:
        """Pass on its hints until it has died, or has been silent for too long and is killed."""
        try:
            await self._attend()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("Runner %s cannot be understood.", self.name)
            self.process.kill()
        log.error("Runner %s died with exit code %s.", self.name, await self.end())

    async def _attend(self) -> None:
        reader, self._writer = await asyncio.open_connection(sock=self._end)
        self._writer.writelines(self._unsent)
        incoming = unpacker()
        try:
            while data := await self._read(reader):
                incoming.feed(data)
                for message in incoming:
                    await self._take(message)
        except TimeoutError:
            log.error("Runner %s has not reported for %s s.", self.name, self._patience_seconds)
            self.process.kill()
        except ConnectionError:
            log.warning("Runner %s broke its connection.", self.name)

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        # Not by wait_for: before Python 3.12 it loses a cancellation that comes along with data.
        async with asyncio.timeout(self._patience_seconds):
            return await reader.read(READ_BYTES)

    async def _take(self, message: dict[str, Any]) -> None:
        if message["is"] == "hint":
            await announce(message["hint"])
            await asyncio.sleep(0)  # let the layer deliver, so that a flood does not fill its channel
        else:
            self._last_alive = time.monotonic()
            self.has_reported = True
            self.waited_seconds = message["waited"]

    def send(self, message: dict[str, Any]) -> None:
        """Queue a message; it is lost if the process dies."""
        if self._writer is None:
            self._unsent.append(packed(message))
        elif not self._writer.is_closing():
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
