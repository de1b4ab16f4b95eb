"""What a runner process consists of: a channel, a writer, a runner, and an event loop for async apps.

It ends when the other end of its channel is closed, however its parent died.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from apps_app.discovery import install_author_api
from sessions_app.app_tasks import guarded_task
from sessions_app.conf import conf
from sessions_app.dispatch.channel import BlockingChannel
from sessions_app.event_log import Hint
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.loop_guard import LoopGuard
from sessions_app.notifications import to_message
from sessions_app.runner import Runner

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.0005  # how long a spinning app holds up the writer; Python's default is ten times it


class RunnerProcess:
    """`name` is the owner in the sessions' rows, `descriptor` this end of the socket pair."""

    def __init__(self, name: str, descriptor: int) -> None:
        end = socket.socket(fileno=descriptor)
        end.set_inheritable(False)  # a process that an app starts must not keep the channel open
        self._channel = BlockingChannel(end)
        self._name = name
        self._writer = LogWriter(self._publish)

    def run(self) -> None:
        """Play sessions until the channel closes. Does not return: apps that go on end with the process."""
        faulthandler.enable()
        sys.setswitchinterval(SWITCH_SECONDS)
        install_author_api()
        self._writer.start()
        asyncio.run(self._play())

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(guarded_task)
        LoopGuard(loop)
        runner = Runner(self._name, self._writer, loop)
        threading.Thread(target=self._sweep, args=(runner,), name="sweep", daemon=True).start()
        threading.Thread(target=self._obey, args=(runner,), name="obey", daemon=True).start()
        await asyncio.Event().wait()

    def _obey(self, runner: Runner) -> None:
        calls: dict[str, Callable[..., None]] = {
            "advance": runner.advance,
            "wake": lambda session_id, entry: runner.wake(session_id, Entry(*entry)),
            "halt": runner.halt,
        }
        try:
            for message in self._channel.messages():
                self._call(calls[message["do"]], message)
        except OSError:
            log.exception("Lost the channel to the web process.")
        self._writer.stop()
        os._exit(0)

    def _call(self, call: Callable[..., None], message: dict[str, Any]) -> None:
        try:
            call(UUID(hex=message["session"]), *message["with"])
        except Exception:
            log.exception(
                "Could not %s session %s; the sweep tries again.", message["do"], message["session"]
            )

    def _sweep(self, runner: Runner) -> None:
        while True:
            try:
                runner.sweep()
                self._channel.send({"is": "alive"})
            except Exception:
                log.exception("A sweep failed; trying again.")
            time.sleep(conf.sweep_seconds)

    def _publish(self, hints: list[Hint]) -> None:
        try:
            for hint in hints:
                self._channel.send({"is": "hint", "hint": to_message(hint)})
        except OSError:
            log.warning("The web process is gone; what was committed is in the log.")
