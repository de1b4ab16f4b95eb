"""Idle streams: 5,000 that follow 50 waiting sessions, then an answer to each of these at once.

- opened: from the first connection to the last stream's first event, 256 at a time
- memory: by how much the web process's own memory (USS) has grown, by the number of streams
- all reached: from the first POST to the moment when each stream has shown its session's answer and
  the app's echo of it; heartbeats and states are no events
- threads: by how many the web process has more with the streams than before, its pool full

Both processes may open as many files as that takes: the limit is raised, up to the machine's own.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psutil

from tests.benchmark.figures import Figure, Goal, Measure, at_most
from tests.benchmark.followers import MARK, Followers
from tests.benchmark.raw_client import RawConnection, asking_session
from tests.benchmark.serving import POOL_THREADS, serving
from tests.server import ServerProcess

ROW = "idle streams"
WARM_UP_STREAMS = 200
EVENTS = 2  # of a turn: the answer and its echo, each with one mark


@dataclass(frozen=True, slots=True)
class Opening:
    """What it took to open all streams, in all."""

    seconds: float
    web_bytes: int
    threads: int


def idle_streams(*, short: bool) -> list[Figure]:
    sessions, each, rounds = (10, 20, 1) if short else (50, 100, 5)
    streams = sessions * each
    with _files(2 * streams + 500), serving() as server:
        waiting = [asking_session(server.port, "echo.echo") for _ in range(sessions)]
        paths = [f"/api/session/{session}/stream?follow=true" for session in waiting]
        # Enough at once that the web process's pool has all its threads from here on.
        Followers(server.port, paths * (WARM_UP_STREAMS // sessions)).close()
        opening, followers = _open(server, paths * each)
        with closing(followers):
            reached = [_reach(server.port, waiting, followers, number) for number in range(1, rounds + 1)]
            wrong = sum(follower.marks != EVENTS * rounds for follower in followers.all)
    return [
        _figure("opened", "s", opening.seconds, at_most(10)),
        _figure("memory, each", "KiB", opening.web_bytes / streams / 1024, at_most(60)),
        Figure(ROW, "all reached", "s", statistics.median(reached), max(reached), [at_most(1, Measure.P99)]),
        _count("streams that did not get each event once", wrong),
        _count("more threads, the pool's among them", opening.threads, POOL_THREADS),
    ]


@contextmanager
def _files(number: int) -> Iterator[None]:
    """Room for so many sockets in this process, and in the server that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(number, hard)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _open(server: ServerProcess, paths: Sequence[str]) -> tuple[Opening, Followers]:
    web = psutil.Process(server.pid)
    memory, threads = web.memory_full_info().uss, web.num_threads()
    start = time.perf_counter()
    followers = Followers(server.port, paths)
    seconds = time.perf_counter() - start
    return Opening(seconds, web.memory_full_info().uss - memory, web.num_threads() - threads), followers


def _reach(port: int, sessions: Sequence[str], followers: Followers, number: int) -> float:
    """Answer the `number`-th question of each session; seconds until each stream has shown what follows."""
    answer = {"blockId": f"input_request-{number}", "value": MARK.decode(), "blockType": "text"}
    calls = [RawConnection(port) for _ in sessions]
    start = time.perf_counter()
    for call, session in zip(calls, sessions, strict=True):
        call.send(f"/api/session/{session}/interaction", answer)
    followers.read_until(lambda follower: follower.marks >= EVENTS * number)
    seconds = time.perf_counter() - start
    for call in calls:
        call.answer()
        call.close()
    return seconds


def _figure(name: str, unit: str, value: float, *goals: Goal) -> Figure:
    return Figure(ROW, name, unit, value, goals=goals)


def _count(name: str, value: int, bound: int = 0) -> Figure:
    return Figure(ROW, name, "", value, goals=[at_most(bound)], is_count=True)
