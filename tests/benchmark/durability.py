"""What waiting, waking, long logs and starting cost.

- parked: by how much the memory of each of the server's two processes (unique set size), and their
  threads, have grown with so many more parked sessions, once for sync and once for async ones
- cold wake: POST interaction to the first event of the new turn on a follow stream, of a session whose
  log has 1,000 entries and more; either parked before each turn, or the first that a server does which
  was started anew, with the stream opened before
- growth: the same of hot sessions, around their 1,000th turn beside around their 10th
- start: `manage.py serve`, on a migrated database, to its first answer
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import psutil

from tests.benchmark.figures import Figure, Measure, at_most, timings
from tests.benchmark.latency import answer, timed
from tests.benchmark.raw_client import RawConnection, asking_session
from tests.benchmark.serving import APPS, POOL_THREADS, serving
from tests.deadline import until
from tests.server import ServerProcess

MIB = 1024 * 1024
PARKING = {"YERA_HOT_RUNS": "1", "YERA_HOT_SECONDS": "0", "YERA_SWEEP_SECONDS": "0.05"}
LONG_ENTRIES = 1000  # of the long app before its first question
TURNS_AROUND = 5  # before and after the 10th, and the last
Footprint = dict[str, tuple[int, int]]


def parked(*, short: bool) -> list[Figure]:
    # By the end of the first ones everything has been loaded, and every pool is full.
    first, more = (100, 200) if short else (1000, 10_000)
    figures = []
    for kind, app in (("sync", "echo.echo"), ("async", "echo.aecho")):
        with serving(**PARKING) as server:
            before = _footprint(server, app, first)
            after = _footprint(server, app, more)
        for process, (memory, threads) in after.items():
            grown = (memory - before[process][0]) / MIB
            figures.append(_grown(f"{kind}, {process} process", "MiB", grown, 10))
            begun = threads - before[process][1]
            bound = POOL_THREADS if process == "web" else 0
            figures.append(_grown(f"{kind}, {process} process, threads", "", begun, bound, is_count=True))
    return figures


def _grown(name: str, unit: str, by: float, bound: float, *, is_count: bool = False) -> Figure:
    return Figure("parked sessions", name, unit, by, goals=[at_most(bound)], is_count=is_count)


def _footprint(server: ServerProcess, app: str, sessions: int) -> Footprint:
    """Memory and threads by process, with so many more sessions that nobody holds."""
    for _ in range(sessions):
        asking_session(server.port, app)
    processes = {"web": psutil.Process(server.pid), "runner": server.runner()}
    assert until(lambda: _are_parked(server))
    return {
        name: (process.memory_full_info().uss, process.num_threads()) for name, process in processes.items()
    }


def _are_parked(server: ServerProcess) -> bool:
    """Whether all sessions wait, and nobody holds one."""
    query = "SELECT count(*) FROM sessions_app_session WHERE owner <> '' OR status <> 'waiting'"
    with closing(sqlite3.connect(server.folder / "db.sqlite3")) as database:
        (others,) = database.execute(query).fetchone()
    return others == 0


def cold_wake(*, short: bool) -> list[Figure]:
    goal = at_most(50)
    return [
        timings("cold wake", "after a restart", _woken(_restart, 2 if short else 10), [goal]),
        timings("cold wake", "of a parked session", _woken(_park, 2 if short else 30), [goal]),
    ]


def _woken(put_to_sleep: Callable[[ServerProcess], object], rounds: int) -> list[float]:
    """Turns of a session with a long log, each after it was put to sleep."""
    measured = []
    with serving(**PARKING) as server:
        session = RawConnection(server.port).post("/api/session", {"app_id": "long.long"})["session_id"]
        _park(server)
        for number in range(1, rounds + 1):
            put_to_sleep(server)
            calls, stream = RawConnection(server.port), RawConnection(server.port)
            stream.open_stream(f"/api/session/{session}/stream?follow=true&after={LONG_ENTRIES}")
            for _ in range(number):
                stream.next_block("input_request")
            measured.append(timed(lambda: answer(calls, session, number), stream.next_event))  # noqa: B023
            stream.next_block("input_request")
            calls.close()
            stream.close()
    return measured


def _park(server: ServerProcess) -> None:
    assert until(lambda: _are_parked(server))


def _restart(server: ServerProcess) -> None:
    server.terminate()
    server.start()


def growth(*, short: bool) -> list[Figure]:
    sessions, turns = (1, 30) if short else (5, 1000)
    early: list[float] = []
    late: list[float] = []
    with serving() as server:
        for _ in range(sessions):
            measured = _turns(server, turns + TURNS_AROUND)
            early += measured[10 - TURNS_AROUND : 10 + TURNS_AROUND]
            late += measured[-2 * TURNS_AROUND :]
    goal = at_most(1.2, Measure.RATIO, "turn 10")
    return [timings("growth", f"turn {turns:,}", late, [goal], {"turn 10": early})]


def _turns(server: ServerProcess, count: int) -> list[float]:
    """So many turns of a new session, which stays hot."""
    calls, stream = RawConnection(server.port), RawConnection(server.port)
    session = calls.post("/api/session", {"app_id": "echo.echo"})["session_id"]
    stream.open_stream(f"/api/session/{session}/stream?follow=true")
    stream.next_block("input_request")
    measured = []
    for number in range(1, count + 1):
        measured.append(timed(lambda: answer(calls, session, number), stream.next_event))  # noqa: B023
        stream.next_block("input_request")
    calls.close()
    stream.close()
    return measured


def start(*, short: bool) -> list[Figure]:
    healthy, ready = [], []
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder), YERA_APPS_DIRS=str(APPS)).start()
        for _ in range(1 if short else 7):
            server.terminate()
            began = time.perf_counter()
            server.launch()
            healthy.append(_seconds_to(server, "/health", began))
            ready.append(_seconds_to(server, "/ready", began))
        server.terminate()
    return [
        Figure("start", "to /health", "s", statistics.median(healthy), max(healthy), [at_most(3)]),
        Figure("start", "to /ready", "s", statistics.median(ready), max(ready)),
    ]


def _seconds_to(server: ServerProcess, path: str, began: float) -> float:
    """Seconds from then until the server answers this with 200."""
    assert until(lambda: _answers(server, path))
    return time.perf_counter() - began


def _answers(server: ServerProcess, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
