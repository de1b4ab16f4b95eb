"""What one client waits for: it plays sync and async app, and the bare Django views, in turn.

Connections are opened beforehand and kept. What each figure spans:

- POST session to its answer
- to the first message: that POST to the first SSE message, over a stream opened with the answer's id
- POST interaction to its answer
- turn, follow stream: POST interaction to the first event of the new turn on a stream that is open
- turn, reopened stream: POST interaction, its answer, GET stream, first event, as an old client does it
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmark.figures import Figure, Goal, Measure, at_most, timings
from tests.benchmark.raw_client import RawConnection
from tests.benchmark.serving import serving, serving_reference

WARM_UP = 20
REFERENCE = "bare Django views"
Timings = dict[str, list[float]]  # milliseconds by span


@dataclass(frozen=True, slots=True)
class Span:
    row: str
    name: str
    goals: Sequence[Goal] = ()


SPANS = {
    "create": Span("time to first event", "POST session to its answer"),
    "first event": Span("time to first event", "POST session to the first message", [at_most(3)]),
    "answer": Span("turn, follow stream", "POST interaction to its answer"),
    "turn": Span(
        "turn, follow stream", "POST interaction to the first event", [at_most(2), at_most(10, Measure.P99)]
    ),
    "reopened": Span("turn, reopened stream", "POST interaction, GET stream, first event", [at_most(2.5)]),
}


def latency(*, short: bool) -> list[Figure]:
    rounds = 3 if short else 500
    with serving() as server, serving_reference("bare_django") as reference:
        played = {
            "sync app": (server.port, "echo.echo"),
            "async app": (server.port, "echo.aecho"),
            REFERENCE: (reference, "echo.echo"),
        }
        measured = measure(played, rounds)
    bare = measured.pop(REFERENCE)
    return [
        timings(span.row, f"{span.name}, {app}", spans[key], span.goals, {REFERENCE: bare[key]})
        for key, span in SPANS.items()
        for app, spans in measured.items()
    ]


def measure(played: dict[str, tuple[int, str]], rounds: int) -> dict[str, Timings]:
    """Timings by the names of what is played: the app on the server at the port."""
    measured: dict[str, Timings] = {name: defaultdict(list) for name in played}
    calls = {port: RawConnection(port) for port, _ in played.values()}
    for number in range(rounds + WARM_UP):
        for name, (port, app) in played.items():
            play(calls[port], app, measured[name] if number >= WARM_UP else defaultdict(list))
    return measured


def play(calls: RawConnection, app: str, spans: Timings) -> None:
    """One session of the echoing app, with two turns, to `spans`."""
    stream, follower, reopened = (RawConnection(calls.port) for _ in range(3))
    start = time.perf_counter()
    session = calls.post("/api/session", {"app_id": app})["session_id"]
    spans["create"].append(elapsed(start))
    stream.open_stream(f"/api/session/{session}/stream")
    stream.next_event()
    spans["first event"].append(elapsed(start))
    follower.open_stream(f"/api/session/{session}/stream?follow=true")
    follower.next_block("input_request")
    start = time.perf_counter()
    answer(calls, session, 1)
    spans["answer"].append(elapsed(start))
    follower.next_event()
    spans["turn"].append(elapsed(start))
    follower.next_block("input_request")
    start = time.perf_counter()
    answer(calls, session, 2)
    reopened.open_stream(f"/api/session/{session}/stream")
    reopened.next_event()
    spans["reopened"].append(elapsed(start))
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
