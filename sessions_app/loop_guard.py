"""Guards the event loop that all async apps of a runner share against an app that blocks it.

A signal interrupts the main thread between two instructions of whatever runs there, also a
`time.sleep`, and raises in it. So one app fails, and the others go on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from types import FrameType

from sessions_app.conf import conf
from sessions_app.write_queue import WriteQueue

log = logging.getLogger(__name__)

SIGNAL = signal.SIGUSR1
MAX_INTERRUPTIONS = 5  # an app that catches so many is not going to stop: the runner must be replaced
EXIT_CODE = 75


class EventLoopBlocked(BaseException):
    """An async app held up every other one. Not an Exception, so that `except Exception` lets it pass."""


class LoopGuard:
    """Make it in the main thread, in the running loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._beat = time.monotonic()
        self._interruptions = 0
        self._thread_id = threading.get_ident()
        signal.signal(SIGNAL, self._interrupt)
        self._keep_beating()
        threading.Thread(target=self._watch, name="loop-guard", daemon=True).start()

    def _keep_beating(self) -> None:
        self._beat = time.monotonic()
        self._interruptions = 0
        self._loop.call_later(conf.async_block_seconds / 4, self._keep_beating)

    def _watch(self) -> None:
        while True:
            limit = conf.async_block_seconds
            time.sleep(limit / 4)
            if time.monotonic() - self._beat < limit * (1 + self._interruptions):
                continue
            if self._interruptions == MAX_INTERRUPTIONS:
                log.critical("An async app blocks the event loop and cannot be interrupted; the runner ends.")
                os._exit(EXIT_CODE)
            self._interruptions += 1
            signal.pthread_kill(self._thread_id, SIGNAL)

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        task = asyncio.current_task(self._loop)
        if task is None or _waits_for_the_log(frame):
            self._beat = time.monotonic()
            self._interruptions = 0
            return  # the server itself is slow: no app is to blame
        log.warning("%s has blocked the event loop for %s s.", task.get_name(), conf.async_block_seconds)
        raise EventLoopBlocked(
            f"The app blocked the event loop for {conf.async_block_seconds:g} s. An async app must await "
            "what takes time; make it a plain function, and it gets a thread of its own."
        )


def _waits_for_the_log(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code is WriteQueue.put.__code__:
            return True
        frame = frame.f_back
    return False
