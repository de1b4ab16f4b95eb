"""How much of the processors each process took: where a figure is bound."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from tests.server import ServerProcess


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """Seconds that each has run on a processor until now; `machine` is all that runs on it."""

    client: float
    web: float
    runner: float
    machine: float

    @classmethod
    def spent(cls, server: ServerProcess) -> ProcessorTime:
        busy = psutil.cpu_times()
        return cls(
            time.process_time(),
            _of(psutil.Process(server.pid)),
            _of(server.runner()),
            # A guest's time is in the user's, too.
            sum(busy) - busy.idle - busy.iowait - busy.steal - busy.guest - busy.guest_nice,
        )

    def since(self, earlier: ProcessorTime) -> dict[str, float]:
        names = ("client", "web", "runner", "machine")
        return {name: getattr(self, name) - getattr(earlier, name) for name in names}


def _of(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return spent.user + spent.system
