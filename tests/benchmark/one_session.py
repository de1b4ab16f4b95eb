"""Events of one session: an app that shows them as fast as it can, to one reader, all durable.

Each figure is events a second, from the first that the reader received to the last. The app calls
`append` of a Markdown handle; the reader follows the session's stream, and what it read is held against the
log. Beside it the bare ASGI application streams as many events as long as ours to the same reader, as
many a write as we do.
"""

from __future__ import annotations

import statistics
from collections import Counter
from contextlib import closing

from tests.benchmark.figures import Figure, at_least
from tests.benchmark.floods import difference_figures, differences, entries_per_commit, flood
from tests.benchmark.followers import Followers
from tests.benchmark.serving import serving, serving_reference
from tests.server import ServerProcess

ROW = "events, one session"
APPS = {"flood.flood": "sync app", "flood.aflood": "async app"}
WARM_UP_EVENTS = 10_000


class Flooding:
    """The rates of all rounds, by name, and what was found in the log."""

    def __init__(self, server: ServerProcess, reference: int) -> None:
        self.rates: dict[str, list[float]] = {name: [] for name in (*APPS.values(), "bare ASGI")}
        self.differences: Counter[str] = Counter()
        self.entries_per_commit: list[float] = []
        self._server, self._reference = server, reference

    def round(self, events: int) -> None:
        for app, name in APPS.items():
            with flood(self._server, app, followers=1, kept=1) as session:
                session.run(str(events))
                batch = session.followers.marks // session.followers.writes
                self.rates[name].append(session.followers.marks / session.followers.seconds)
                self.differences += differences(session)
                self.entries_per_commit.append(entries_per_commit(session))
        self.rates["bare ASGI"].append(bare_rate(self._reference, events, max(1, batch)))

    def figures(self) -> list[Figure]:
        medians = {name: statistics.median(rates) for name, rates in self.rates.items()}
        beside = {"bare ASGI": medians["bare ASGI"]}
        goals = [at_least(50_000)]
        return [
            Figure(ROW, "sync app", "events/s", medians["sync app"], goals=goals, references=beside),
            Figure(ROW, "async app", "events/s", medians["async app"], goals=goals, references=beside),
            Figure(
                ROW,
                "log entries a commit",
                "",
                statistics.median(self.entries_per_commit),
                goals=[at_least(10)],
                is_count=True,
            ),
            *difference_figures(ROW, self.differences),
        ]


def one_session(*, short: bool) -> list[Figure]:
    with serving() as server, serving_reference("bare_asgi") as reference:
        Flooding(server, reference).round(WARM_UP_EVENTS // (10 if short else 1))
        flooding = Flooding(server, reference)
        for _ in range(1 if short else 5):
            flooding.round(2_000 if short else 100_000)
        return flooding.figures()


def bare_rate(port: int, events: int, batch: int, followers: int = 1) -> float:
    """Events a second of the bare ASGI application, over all followers."""
    path = f"/flood?events={events}&batch={batch}"
    with closing(Followers(port, [path] * followers)) as readers:
        readers.read_to_end()
        return readers.marks / readers.seconds
