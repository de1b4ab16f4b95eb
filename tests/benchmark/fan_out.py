"""Fan-out: one session with 50 followers, whose app shows 500 events a second, or as many as it can.

- events: those that were received, over all followers, by the time from the first to the last
- writes: chunks of HTTP that the server sent, each with one or more events
- web process: its CPU time of that time, in % of one processor; the runner's is not in it

Flat out, beside it the bare ASGI application on the same server streams as many events to as many
clients, as many a write as our average. The same reader counts both. What was read is held
against the log: paced all that each follower got, flat out all of the first's and the others' number.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from tests.benchmark.figures import Figure, Goal, Measure, at_least, at_most
from tests.benchmark.floods import difference_figures, differences, flood
from tests.benchmark.one_session import bare_rate
from tests.benchmark.serving import serving, serving_reference
from tests.server import ServerProcess

ROW = "fan-out"
FOLLOWERS = 50
PER_SECOND = 500
WARM_UP_EVENTS = 2_000


@dataclass(frozen=True, slots=True)
class Round:
    """What 50 followers received in one go, and what it cost the web process."""

    events: int
    writes: int
    seconds: float
    web_seconds: float
    differences: Counter[str]

    @property
    def batch(self) -> float:
        """Events a write."""
        return self.events / self.writes


def fan_out(*, short: bool) -> list[Figure]:
    with serving() as server, serving_reference("bare_asgi") as reference:
        rounds = 1 if short else 3
        _play(server, "flood.flood", str(WARM_UP_EVENTS // (10 if short else 1)))
        told = f"{250 if short else 10 * PER_SECOND},{PER_SECOND}"
        paced = [_play(server, "flood.paced", told, kept=FOLLOWERS) for _ in range(rounds)]
        events = 500 if short else 20_000
        flat_out, bare = [], []
        for _ in range(rounds):
            flat_out.append(_play(server, "flood.flood", str(events)))
            bare.append(bare_rate(reference, events, round(flat_out[-1].batch), FOLLOWERS))
    found = sum((each.differences for each in (*paced, *flat_out)), Counter[str]())
    return [*_paced_figures(paced), *_flat_out_figures(flat_out, bare), *difference_figures(ROW, found)]


def _play(server: ServerProcess, app: str, told: str, kept: int = 1) -> Round:
    with flood(server, app, followers=FOLLOWERS, kept=kept) as session:
        web, before = psutil.Process(server.pid), session.followers.writes
        spent = _seconds_of(web)
        session.run(told)
        spent = _seconds_of(web) - spent
        followers = session.followers
        return Round(
            followers.marks, followers.writes - before, followers.seconds, spent, differences(session)
        )


def _seconds_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _paced_figures(rounds: Sequence[Round]) -> list[Figure]:
    name = f"{PER_SECOND} events/s"
    return [
        _rate(
            f"{name}: received", "events/s", [each.events / each.seconds for each in rounds], at_least(20_000)
        ),
        _rate(f"{name}: writes", "writes/s", [each.writes / each.seconds for each in rounds]),
        _rate(
            f"{name}: web process",
            "% of a core",
            [100 * each.web_seconds / each.seconds for each in rounds],
            at_most(60),
        ),
        _rate(
            f"{name}: web process, an event",
            "µs",
            [1e6 * each.web_seconds / each.events for each in rounds],
        ),
    ]


def _flat_out_figures(rounds: Sequence[Round], bare: Sequence[float]) -> list[Figure]:
    return [
        Figure(
            ROW,
            "flat out: received",
            "events/s",
            statistics.median(each.events / each.seconds for each in rounds),
            goals=[at_least(0.5, Measure.RATIO, "bare ASGI")],
            references={"bare ASGI": statistics.median(bare)},
        ),
        _rate("flat out: writes", "writes/s", [each.writes / each.seconds for each in rounds]),
        _rate("flat out: events a write", "", [each.batch for each in rounds]),
    ]


def _rate(name: str, unit: str, values: Sequence[float], *goals: Goal) -> Figure:
    return Figure(ROW, name, unit, statistics.median(values), goals=goals)
