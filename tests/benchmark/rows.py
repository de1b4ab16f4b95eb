"""All that is measured, by the names that the command takes, in the order of the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tests.benchmark.durability import cold_wake, growth, parked, start
from tests.benchmark.fan_out import fan_out
from tests.benchmark.figures import Figure
from tests.benchmark.idle_streams import idle_streams
from tests.benchmark.large_database import large_database
from tests.benchmark.latency import latency
from tests.benchmark.noise import noise
from tests.benchmark.one_session import one_session
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
    "events": one_session,
    "fan-out": fan_out,
    "streaming": streaming,
    "noise": noise,
    "idle-streams": idle_streams,
    "parked": parked,
    "growth": growth,
    "large-database": large_database,
    "cold-wake": cold_wake,
    "start": start,
}
