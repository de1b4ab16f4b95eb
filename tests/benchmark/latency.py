"""First figures: `python -m tests.benchmark.latency [ROUNDS]` starts a server and prints medians in ms.

One client, connections kept alive, sync and async app in turn. What each figure spans:

- create: POST /api/session to its answer
- first event: that POST to the first SSE message, over a stream opened with the answer's id
- turn, open stream: POST interaction to the first event of the new turn on a follow stream
- turn, new stream: POST interaction, its answer, GET stream, first event, as an old client does it
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmark.raw_client import RawConnection
from tests.server import ServerProcess

APPS = Path(__file__).parent / "apps"
WARM_UP = 20
Figures = dict[str, list[float]]


def measure(port: int, rounds: int) -> dict[str, Figures]:
    figures: dict[str, Figures] = {app: defaultdict(list) for app in ("echo.echo", "echo.aecho")}
    calls = RawConnection(port)
    for number in range(rounds + WARM_UP):
        for app, timings in figures.items():
            play(port, calls, app, timings if number >= WARM_UP else defaultdict(list))
    return figures


def play(port: int, calls: RawConnection, app: str, timings: Figures) -> None:
    stream, follower, reopened = RawConnection(port), RawConnection(port), RawConnection(port)
    start = time.perf_counter()
    session = calls.post("/api/session", {"app_id": app})["session_id"]
    timings["create"].append(elapsed(start))
    stream.open_stream(f"/api/session/{session}/stream")
    stream.next_event()
    timings["first event"].append(elapsed(start))
    follower.open_stream(f"/api/session/{session}/stream?follow=true")
    follower.next_block("input_request")
    timings["turn, open stream"].append(
        timed(lambda: answer(calls, session, 1), lambda: follower.next_event())
    )
    follower.next_block("input_request")

    def reopen() -> None:
        reopened.open_stream(f"/api/session/{session}/stream")
        reopened.next_event()

    timings["turn, new stream"].append(timed(lambda: answer(calls, session, 2), reopen))
    for connection in (stream, follower, reopened):
        connection.close()
    calls.post(f"/api/session/{session}/cancel", {})


def answer(calls: RawConnection, session: str, number: int) -> Any:
    interaction = {"blockId": f"input_request-{number}", "value": "x", "blockType": "text"}
    return calls.post(f"/api/session/{session}/interaction", interaction)


def timed(*steps: Callable[[], Any]) -> float:
    start = time.perf_counter()
    for step in steps:
        step()
    return elapsed(start)


def elapsed(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder), YERA_APPS_DIRS=str(APPS)).start()
        try:
            figures = measure(server.port, rounds)
        finally:
            server.terminate()
    print(f"{'ms over ' + str(rounds) + ' rounds':24}{'app':>12}{'p50':>8}{'p99':>8}")  # noqa: T201
    for app, timings in figures.items():
        for name, values in timings.items():
            p99 = statistics.quantiles(values, n=100)[98]
            print(f"{name:24}{app:>12}{statistics.median(values):8.2f}{p99:8.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
