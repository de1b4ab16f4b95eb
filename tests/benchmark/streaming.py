"""Model-like streaming: many async sessions show tokens at a pace, each with a reader of its own.

Lateness is from when a token was due, by the app's own schedule, to when the bytes that it is in reached
the reader: what the app's process is late, the commit, the hint and the stream are all in it. The
processor time is that of all processes together and of each, while tokens came.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field

import orjson
import uvloop

from tests.benchmark.async_client import Connection, connect
from tests.benchmark.figures import Figure, Goal, Measure, at_most, timings
from tests.benchmark.processor_time import ProcessorTime
from tests.benchmark.serving import serving
from tests.server import ServerProcess

ROW = "model-like streaming"
PROMPT, EXIT, MESSAGE_END = b'"event_class":"prompt"', b'"block_type":"exit"', b"\n\n"
TOKEN = re.compile(rb'"content":"(\d+) ([\d.]+) "')
CREATION = orjson.dumps({"app_id": "tokens.tokens"})
PATIENCE_SECONDS = 60.0  # beyond the time that the tokens take


@dataclass(slots=True)
class Reader:
    """What one reader saw of its session: numbers of tokens, and how late each was in ms."""

    numbers: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    rest: bytes = b""  # the beginning of a message

    def receive(self, data: bytes) -> None:
        now = time.monotonic()
        messages, end, self.rest = (self.rest + data).rpartition(MESSAGE_END)
        for number, due in TOKEN.findall(messages):
            self.numbers.append(int(number))
            self.late.append((now - float(due)) * 1000)
        if EXIT in messages:
            self.is_over.set()


def streaming(*, short: bool) -> list[Figure]:
    seconds = 1 if short else 20
    goals = (at_most(50, Measure.P99),)
    with serving() as server:
        return [*paced(server, 100, 20, seconds, goals), *paced(server, 200, 50, seconds)]


def paced(
    server: ServerProcess, sessions: int, rate: int, seconds: int, goals: tuple[Goal, ...] = ()
) -> list[Figure]:
    """So many sessions of `rate` tokens a second, for so long."""
    name, count = f"{sessions} sessions at {rate} tokens/s", rate * seconds
    before, start = ProcessorTime.spent(server), time.perf_counter()
    readers = uvloop.run(read(server.port, sessions, f"{rate} {count}", seconds + PATIENCE_SECONDS))
    elapsed = time.perf_counter() - start
    spent = ProcessorTime.spent(server).since(before)
    lost = sum(count - len(set(reader.numbers)) for reader in readers)
    disordered = sum(reader.numbers != sorted(set(reader.numbers)) for reader in readers)
    none = [at_most(0)]
    return [
        timings(ROW, f"{name}, lateness", [late for reader in readers for late in reader.late], goals),
        Figure(ROW, f"{name}, lost", "events", lost, goals=none, is_count=True),
        Figure(
            ROW, f"{name}, with one twice or out of order", "streams", disordered, goals=none, is_count=True
        ),
        *(
            Figure(ROW, f"{name}, processor time, {process}", "% of a core", total / elapsed * 100)
            for process, total in spent.items()
        ),
    ]


async def read(port: int, sessions: int, pace: str, patience: float) -> list[Reader]:
    """Start and follow so many sessions, answer them all, and read each to its exit."""
    calls = await connect(port)
    streams = [await followed(calls, port) for _ in range(sessions)]
    readers = [Reader() for _ in streams]
    for (path, stream), reader in zip(streams, readers, strict=True):
        stream.hand_to(reader.receive)
        answer = {"blockId": "input_request-1", "value": pace, "blockType": "text"}
        await calls.post(f"{path}/interaction", orjson.dumps(answer))
    ends = asyncio.gather(*(reader.is_over.wait() for reader in readers))
    try:
        async with asyncio.timeout(patience):
            await ends
    except TimeoutError:
        pass  # what has not come is counted as lost
    return readers


async def followed(calls: Connection, port: int) -> tuple[str, Connection]:
    """A new session's path, and a stream of it that is at its question."""
    path = f"/api/session/{orjson.loads(await calls.post('/api/session', CREATION))['session_id']}"
    stream = await connect(port)
    await stream.follow(f"{path}/stream?follow=true")
    await stream.until(PROMPT)
    return path, stream
