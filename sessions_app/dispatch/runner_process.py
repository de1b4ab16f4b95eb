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
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from django.db import connection, reset_queries

from apps_app.discovery import install_author_api
from sessions_app import printing
from sessions_app.app_tasks import guarded_task
from sessions_app.conf import conf
from sessions_app.database import SWITCH_SECONDS
from sessions_app.dispatch.channel import BlockingChannel
from sessions_app.dispatch.hint_outbox import HintOutbox
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.loop_guard import LoopGuard
from sessions_app.runner import Runner

log = logging.getLogger(__name__)

APP_THREADS = 256


class RunnerProcess:
    """`name` is the owner in the sessions' rows, `descriptor` this end of the socket pair."""

    def __init__(self, name: str, descriptor: int, *, plays_suspects: bool) -> None:
        self._channel = BlockingChannel(socket.socket(fileno=descriptor))
        self._name = name
        self._plays_suspects = plays_suspects
        self._outbox = HintOutbox(self._channel.send)
        self._writer = LogWriter(self._outbox.put)

    def run(self) -> None:
        """Play sessions until the channel closes. Does not return: apps that go on end with the process."""
        faulthandler.enable()
        sys.setswitchinterval(SWITCH_SECONDS)
        install_author_api()
        printing.install()
        self._outbox.start()
        self._writer.start()
        asyncio.run(self._play())

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(guarded_task)
        # All apps share it: one that fills the default's few threads would stop the others.
        loop.set_default_executor(ThreadPoolExecutor(APP_THREADS, thread_name_prefix="app"))
        LoopGuard(loop)
        runner = Runner(self._name, self._writer, loop, plays_suspects=self._plays_suspects)
        self._report()  # before any app may keep it from that
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
        except OSError as error:  # it was killed
            log.warning("Lost the channel to the web process: %s", error)
        runner.release_all()
        runner.finish_printed()
        self._writer.stop()
        os._exit(0)

    def _call(self, call: Callable[..., None], message: dict[str, Any]) -> None:
        try:
            call(UUID(hex=message["session"]), *message["with"])
        except Exception:
            connection.close()
            log.exception(
                "Could not %s session %s; the sweep tries again.", message["do"], message["session"]
            )

    def _report(self) -> None:
        self._channel.send({"is": "alive", "waited": self._writer.waited_seconds})

    def _sweep(self, runner: Runner) -> None:
        while True:
            try:
                self._report()
                runner.sweep()
            except Exception:
                log.exception("A sweep failed; trying again.")
                connection.close()
            reset_queries()
            time.sleep(conf.sweep_seconds)
