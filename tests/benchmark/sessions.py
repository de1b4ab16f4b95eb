"""Complete sessions a second: create, two turns, exit, of apps/turns.py; our server and the bare Django
views take the same requests of the same client in turn.

- one connection each: 32 clients, each plays sessions as an old client does: POST create, GET stream to
  its end, and twice POST interaction, GET stream to its end; six requests
- with a follow stream: 16 clients of two connections, one follows the session to its exit, one posts;
  four requests

Their processor time is what a session cost the benchmark's client, the web process and the runner.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field

import orjson
import uvloop

from tests.benchmark.async_client import Connection, connect
from tests.benchmark.figures import Figure, Goal, Measure, at_least, at_most
from tests.benchmark.processor_time import ProcessorTime
from tests.benchmark.serving import serving, serving_reference
from tests.server import ServerProcess

ROW = "sessions a second"
REFERENCE = "bare Django views"
PROMPT = b'"event_class":"prompt"'
CREATION = orjson.dumps({"app_id": "turns.turns"})
ANSWERS = [
    orjson.dumps({"blockId": f"input_request-{number}", "value": "x", "blockType": "text"})
    for number in (1, 2)
]


async def play_reopening(connection: Connection) -> None:
    session = await create(connection)
    await connection.get(f"{session}/stream")
    for answer in ANSWERS:
        await connection.post(f"{session}/interaction", answer)
        await connection.get(f"{session}/stream")


async def play_following(calls: Connection, stream: Connection) -> None:
    session = await create(calls)
    await stream.follow(f"{session}/stream?follow=true")
    for answer in ANSWERS:
        await stream.until(PROMPT)
        await calls.post(f"{session}/interaction", answer)
    await stream.to_end()


async def create(calls: Connection) -> str:
    """The new session's path."""
    return f"/api/session/{orjson.loads(await calls.post('/api/session', CREATION))['session_id']}"


@dataclass(slots=True)
class Way:
    """How a session is played, by how many clients at once, and what came of it."""

    name: str
    play: Callable[..., Awaitable[None]]
    clients: int
    connections: int  # of one client
    requests: int  # of one session
    goals: tuple[Goal, ...] = ()
    request_goals: tuple[Goal, ...] = ()
    rates: dict[str, list[float]] = field(default_factory=lambda: {"": [], REFERENCE: []})  # sessions/s
    spent: list[dict[str, float]] = field(default_factory=list)  # ms a session, by process

    def figures(self) -> list[Figure]:
        ours, bare = (statistics.median(self.rates[name]) for name in ("", REFERENCE))
        per_second = Figure(ROW, self.name, "sessions/s", ours, goals=self.goals)
        requests = Figure(
            ROW,
            f"{self.name}, requests",
            "requests/s",
            ours * self.requests,
            goals=self.request_goals,
            references={REFERENCE: bare * self.requests},
        )
        return [per_second, requests, *map(self._spent_by, ("client", "web", "runner"))]

    def _spent_by(self, process: str) -> Figure:
        spent = statistics.median(each[process] for each in self.spent)
        return Figure(ROW, f"{self.name}, processor time of the {process}", "ms a session", spent)


def ways() -> list[Way]:
    reached, ratio = at_least(300), at_least(0.4, Measure.RATIO, REFERENCE)
    return [
        Way("one connection each", play_reopening, 32, 1, 6, (reached,), (ratio,)),
        Way("with a follow stream", play_following, 16, 2, 4),
    ]


def sessions(*, short: bool) -> list[Figure]:
    rounds, seconds = (1, 0.3) if short else (5, 4.0)
    measured = ways()
    with serving() as server, serving_reference("bare_django") as reference:
        for way in measured:
            for port in (server.port, reference):
                uvloop.run(load(port, way, seconds / 4))  # warms up
            for _ in range(rounds):
                measure(server, way, seconds)
                way.rates[REFERENCE].append(uvloop.run(load(reference, way, seconds))[1])
        unfinished = unfinished_sessions(server)
    figures = [figure for way in measured for figure in way.figures()]
    return [*figures, Figure(ROW, "unfinished", "sessions", unfinished, goals=[at_most(0)], is_count=True)]


def measure(server: ServerProcess, way: Way, seconds: float) -> None:
    before = ProcessorTime.spent(server)
    played, rate = uvloop.run(load(server.port, way, seconds))
    spent = ProcessorTime.spent(server).since(before)
    way.rates[""].append(rate)
    way.spent.append({process: total * 1000 / played for process, total in spent.items()})


async def load(port: int, way: Way, seconds: float) -> tuple[int, float]:
    """Sessions that were played to their end, and how many a second."""
    start = time.perf_counter()
    clients = [client(port, way, start + seconds) for _ in range(way.clients)]
    played = sum(await asyncio.gather(*clients))
    return played, played / (time.perf_counter() - start)


async def client(port: int, way: Way, end: float) -> int:
    """Plays one session after the other until `end`; how many."""
    connections = [await connect(port) for _ in range(way.connections)]
    played = 0
    while time.perf_counter() < end:
        await way.play(*connections)
        played += 1
    for connection in connections:
        connection.close()
    return played


def unfinished_sessions(server: ServerProcess) -> int:
    """How many the database has that were begun and have not come to their exit."""
    with closing(sqlite3.connect(server.folder / "db.sqlite3")) as database:
        query = "SELECT count(*) FROM sessions_app_session WHERE status <> 'finished'"
        return int(database.execute(query).fetchone()[0])
