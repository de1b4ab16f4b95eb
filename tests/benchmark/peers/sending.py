"""Events alone, beside django-eventstream, which has no sessions.

- send to client: from the app's call to the client's having read the event, one of each in alternation
- flood: how many of the events that one session or channel sends as fast as it can do not reach its one
  reader, the median of some floods; of ours it has to be none
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping

from tests.benchmark.figures import Figure, at_most, timings
from tests.benchmark.peers.eventstream import IN_MEMORY, WITH_STORAGE, EventstreamTimes, OurTimes, Times
from tests.benchmark.peers.ours import OURS
from tests.benchmark.peers.server import running
from tests.benchmark.serving import serving

WARM_UP, ROUNDS = 20, 200
FLOODS, FLOOD = 3, 1000


def sending() -> Iterator[Figure]:
    with serving() as ours, running(IN_MEMORY) as fast, running(WITH_STORAGE) as stored:
        readers: dict[str, Times] = {
            OURS: OurTimes(ours.port),
            f"{IN_MEMORY.name} in memory": EventstreamTimes(fast.port),
            f"{WITH_STORAGE.name} with storage": EventstreamTimes(stored.port),
        }
        yield send_to_client(readers)
        for name, times in readers.items():
            yield flood(name, times)


def send_to_client(readers: Mapping[str, Times]) -> Figure:
    latencies: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(WARM_UP + ROUNDS):
        for name, times in readers.items():
            latencies[name].append(times.send())
    measured = {name: values[WARM_UP:] for name, values in latencies.items()}
    return timings("send to client", "one event", measured.pop(OURS), references=measured)


def flood(name: str, times: Times) -> Figure:
    lost = statistics.median(FLOOD - times.flood(FLOOD) for _ in range(FLOODS))
    goals = [at_most(0)] if name == OURS else []
    unit = f"of {FLOOD:,}"
    return Figure("flood, events lost", name, unit, lost, goals=goals, is_count=bool(goals))
