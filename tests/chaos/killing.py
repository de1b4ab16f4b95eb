"""Kills a server and its runner at moments of chance, and starts again what was killed."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from contextlib import suppress
from enum import StrEnum
from random import Random

import psutil

from tests.deadline import until
from tests.server import ServerProcess

MOMENT_SECONDS = (0.05, 1.5)  # after it was ready, or was launched


class Kill(StrEnum):
    """What is killed; by SIGKILL, but for the last."""

    BOTH = "server and runner"
    RUNNER = "runner only"
    SERVER = "server only"
    STARTING = "while starting"
    DEPLOY = "SIGTERM"


WEIGHTS = {Kill.BOTH: 30, Kill.RUNNER: 35, Kill.SERVER: 15, Kill.STARTING: 10, Kill.DEPLOY: 10}


class Killer:
    """Strikes one server, which is ready before and after each strike.

    `counts` has what was killed, `stuck` how often it did not go by SIGTERM.
    """

    def __init__(self, server: ServerProcess, chance: Random) -> None:
        self.counts: Counter[Kill] = Counter()
        self.stuck = 0
        self._server = server
        self._chance = chance
        self._orphans: list[psutil.Process] = []

    def strike(self) -> None:
        """One kill. It blocks until the server is ready again."""
        self._wait_for_the_moment()
        (kill,) = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        strikes = {
            Kill.BOTH: self._kill_both,
            Kill.RUNNER: self._kill_runner,
            Kill.SERVER: self._kill_server,
            Kill.STARTING: self._kill_starting,
            Kill.DEPLOY: self._deploy,
        }
        strikes[kill]()
        self.counts[kill] += 1

    def survivors(self) -> list[psutil.Process]:
        """Runners that still live although their server is dead, and had time to see it."""
        until(lambda: not any(map(_is_alive, self._orphans)))
        return [runner for runner in self._orphans if _is_alive(runner)]

    def _wait_for_the_moment(self) -> None:
        time.sleep(self._chance.uniform(*MOMENT_SECONDS))

    def _kill_both(self) -> None:
        children = self._server.children()
        self._server.kill()
        for child in children:
            _kill(child)
        self._server.start()

    def _kill_runner(self) -> None:
        """The server replaces it. Those for suspects stay: three deaths there end a session (invariant 8)."""
        killed = self._server.runners()
        for runner in killed:
            _kill(runner)
        if not until(lambda: any(runner not in killed for runner in self._server.runners())):
            raise TimeoutError(f"No runner came after {killed}:\n{self._server.log}")
        self._server.wait_until_ready()

    def _kill_server(self) -> None:
        """Its runners see their socket close."""
        self._orphans += self._server.all_runners()
        self._server.kill()
        self._server.start()

    def _kill_starting(self) -> None:
        """Twice, since it has to be down before it can start."""
        self._orphans += self._server.all_runners()
        self._server.kill()
        self._server.launch()
        self._wait_for_the_moment()
        self._kill_both()

    def _deploy(self) -> None:
        self._orphans += self._server.all_runners()
        try:
            self._server.terminate()
        except subprocess.TimeoutExpired:
            self.stuck += 1
        self._server.start()


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):  # it ended by itself in the meantime
        process.kill()


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
