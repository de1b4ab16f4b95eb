"""What waiting and waking cost: `python -m tests.benchmark.durability [SESSIONS]` prints medians.

- parked: memory (unique set size) and threads of the server's two processes before and after so many
  parked sessions, once for sync and once for async ones
- wake: POST interaction to the first event of the new turn on a follow stream, of a session whose log
  has 1,000 entries and more, parked before each turn
- growth: the same of hot sessions, at their 10th and at their 1,000th turn
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from tests.benchmark.latency import answer, timed
from tests.benchmark.raw_client import RawConnection
from tests.benchmark.serving import APPS
from tests.deadline import until
from tests.server import ServerProcess

WARM_UP = 1000  # sessions before memory is looked at: by then all has been loaded once
WAKE_ROUNDS = 30
GROWTH_SESSIONS = 5
EARLY, LATE = range(6, 16), range(996, 1006)  # around the 10th and the 1,000th turn
MIB = 1024 * 1024


@contextmanager
def serving(**settings: str) -> Iterator[ServerProcess]:
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder), YERA_APPS_DIRS=str(APPS), **settings).start()
        try:
            yield server
        finally:
            server.terminate()


def parked(sessions: int) -> None:
    """Memory and threads beside so many parked sessions."""
    for app in ("echo.echo", "echo.aecho"):
        with serving(YERA_HOT_RUNS="1", YERA_HOT_SECONDS="0", YERA_SWEEP_SECONDS="0.1") as server:
            calls = RawConnection(server.port)
            park(calls, app, WARM_UP)
            before = footprint(server)
            park(calls, app, sessions)
            after = footprint(server)
        print(f"{sessions} parked sessions of {app}:")  # noqa: T201
        for name, (memory, threads) in after.items():
            growth = (memory - before[name][0]) / MIB
            print(f"  {name}: {growth:+.1f} MiB, threads {before[name][1]} -> {threads}")  # noqa: T201


def park(calls: RawConnection, app: str, sessions: int) -> None:
    for _ in range(sessions):
        session = calls.post("/api/session", {"app_id": app})["session_id"]
        stream = RawConnection(calls.port)
        stream.open_stream(f"/api/session/{session}/stream")
        stream.next_block("input_request")
        stream.close()


def footprint(server: ServerProcess) -> dict[str, tuple[int, int]]:
    """Memory and threads by process, once nobody holds a session."""
    assert until(lambda: are_parked(server))
    processes = {"web": psutil.Process(server.pid), "runner": server.runner()}
    return {
        name: (process.memory_full_info().uss, process.num_threads()) for name, process in processes.items()
    }


def are_parked(server: ServerProcess) -> bool:
    with closing(sqlite3.connect(server.folder / "db.sqlite3")) as database:
        (owned,) = database.execute("SELECT count(*) FROM sessions_app_session WHERE owner <> ''").fetchone()
    return owned == 0


def wake() -> list[float]:
    """Turns of parked sessions with long logs, in ms."""
    timings = []
    with serving(YERA_HOT_SECONDS="0", YERA_SWEEP_SECONDS="0.05") as server:
        calls, stream = RawConnection(server.port), RawConnection(server.port)
        session = calls.post("/api/session", {"app_id": "long.long"})["session_id"]
        stream.open_stream(f"/api/session/{session}/stream?follow=true")
        stream.next_block("input_request")
        for number in range(1, WAKE_ROUNDS + 1):
            assert until(lambda: are_parked(server))
            timings.append(timed(lambda: answer(calls, session, number), stream.next_event))  # noqa: B023
            stream.next_block("input_request")
    return timings


def growth() -> tuple[list[float], list[float]]:
    """Turns around the 10th and around the 1,000th of hot sessions, in ms."""
    early, late = [], []
    with serving() as server:
        calls = RawConnection(server.port)
        for _ in range(GROWTH_SESSIONS):
            stream = RawConnection(server.port)
            session = calls.post("/api/session", {"app_id": "echo.echo"})["session_id"]
            stream.open_stream(f"/api/session/{session}/stream?follow=true")
            stream.next_block("input_request")
            for number in range(1, LATE.stop):
                elapsed = timed(lambda: answer(calls, session, number), stream.next_event)  # noqa: B023
                stream.next_block("input_request")
                early += [elapsed] if number in EARLY else []
                late += [elapsed] if number in LATE else []
            stream.close()
    return early, late


def main() -> None:
    parked(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    woken = wake()
    print(f"waking a session of 1,000 entries: p50 {statistics.median(woken):.1f} ms, max {max(woken):.1f}")  # noqa: T201
    early, late = map(statistics.median, growth())
    print(f"hot turn: 10th {early:.2f} ms, 1,000th {late:.2f} ms, ratio {late / early:.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
