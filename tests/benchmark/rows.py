"""All that is measured, by the names that the command takes, in the order of the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tests.benchmark.figures import Figure
from tests.benchmark.latency import latency
from tests.benchmark.noise import noise
from tests.benchmark.parts import parts
from tests.benchmark.sessions import sessions
from tests.benchmark.streaming import streaming


class Row(Protocol):
    def __call__(self, *, short: bool) -> list[Figure]:
        """Measure it; `short` with numbers so small that only its counts mean something."""


ROWS: Mapping[str, Row] = {
    "latency": latency,
    "parts": parts,
    "sessions": sessions,
    "streaming": streaming,
    "noise": noise,
}
