"""A noisy neighbour: what one client waits for while another session's app takes what it can get.

The client plays the sync and the async app in turn as in latency.py, flat out, so that both sides load
the database: beside an app that emits as fast as it can, for a minute, and beside one that spins. Each
figure has the same without the neighbour beside it, from the seconds before.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict

from tests.benchmark.figures import Figure, at_most, timings
from tests.benchmark.latency import SPANS, Timings, play
from tests.benchmark.raw_client import RawConnection
from tests.benchmark.serving import serving

ROW = "noisy neighbour"
QUIET = "without"
GOALS = [at_most(15)]
HELD = ("create", "answer", "turn", "reopened")  # to the goals; a start has two commits beside the flood
# A minute of flood is many times what one session may write.
LIMITS = {"YERA_MAX_TURN_ENTRIES": str(10**9), "YERA_MAX_SESSION_BYTES": str(10**12)}
PLAYED = ("echo.echo", "echo.aecho")


def noise(*, short: bool) -> list[Figure]:
    flood_seconds, spin_seconds = (2.0, 1.0) if short else (60.0, 20.0)
    return [
        *beside("noise.flood", "a flood", flood_seconds),
        *beside("noise.spin", "a spinning app", spin_seconds),
    ]


def beside(neighbour: str, name: str, seconds: float) -> list[Figure]:
    with serving(**LIMITS) as server:
        calls = RawConnection(server.port)
        quiet, refused_quiet = play_for(calls, min(seconds, 5.0))
        session = calls.post("/api/session", {"app_id": neighbour})["session_id"]
        noisy, refused = play_for(calls, seconds)
        ended = calls.post(f"/api/session/{session}/cancel", {})
        locked = server.log.count("database is locked")
    assert ended["status"] == "cancelled", f"the neighbour had ended: {ended}"
    counts = {"refused or broken off": refused + refused_quiet, "lines with `database is locked`": locked}
    return [
        *(
            timings(
                ROW,
                f"beside {name}: {span.name}",
                noisy[key],
                GOALS if key in HELD else (),
                {QUIET: quiet[key]},
            )
            for key, span in SPANS.items()
        ),
        Figure(ROW, f"{name} itself, entries written", "entries/s", ended["last_seq"] / seconds),
        *(
            Figure(ROW, f"beside {name}: {what}", "", count, goals=[at_most(0)], is_count=True)
            for what, count in counts.items()
        ),
    ]


def play_for(calls: RawConnection, seconds: float) -> tuple[Timings, int]:
    """Timings of the sessions that were played in this time, and how many were refused something."""
    spans: Timings = defaultdict(list)
    refused = 0
    end = time.monotonic() + seconds
    for app in itertools.cycle(PLAYED):
        try:
            play(calls, app, spans)
        except (RuntimeError, ConnectionError):
            refused += 1
        if time.monotonic() > end:
            return spans, refused
    raise AssertionError("a cycle has no end")
