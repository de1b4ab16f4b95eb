"""Model-like streaming: many async sessions show tokens at a pace, each with a reader of its own.

Lateness is from when a token was due, by the app's own schedule, to when the bytes that it is in reached
the reader: what the app's process is late, the commit, the hint and the stream are all in it. A pace
that is too fast for the machine shows as lateness that grows to the end, and as fewer tokens/s than are
due. The processor time is that of each process, and of the whole machine, while tokens came.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
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
PATIENCE_SECONDS = 30.0  # beyond the time that the tokens take


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

    def lost(self, tokens: int) -> int:
        """How many have not come, though something came that is behind them."""
        due = tokens if self.is_over.is_set() else max(self.numbers, default=-1) + 1
        return due - len(set(self.numbers))


@dataclass(frozen=True, slots=True)
class Pace:
    sessions: int
    rate: int  # tokens a second
    seconds: int
    goals: tuple[Goal, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.sessions} sessions at {self.rate} tokens/s"

    @property
    def tokens(self) -> int:
        """Of one session."""
        return self.rate * self.seconds

    @property
    def answer(self) -> bytes:
        """What makes the app show them."""
        value = f"{self.rate} {self.tokens}"
        return orjson.dumps({"blockId": "input_request-1", "value": value, "blockType": "text"})


def streaming(*, short: bool) -> list[Figure]:
    seconds = 1 if short else 20
    paces = [Pace(100, 20, seconds, (at_most(50, Measure.P99),)), Pace(200, 50, seconds)]
    with serving() as server:
        return [figure for pace in paces for figure in uvloop.run(measure(server, pace))]


async def measure(server: ServerProcess, pace: Pace) -> list[Figure]:
    calls = await connect(server.port)
    streams = dict([await followed(calls, server.port) for _ in range(pace.sessions)])
    before, start = ProcessorTime.spent(server), time.perf_counter()
    readers = await read(calls, streams, pace)
    seconds = time.perf_counter() - start
    spent = ProcessorTime.spent(server).since(before)
    shown = sum(len(reader.numbers) for reader in readers) / seconds
    return [
        *seen(readers, pace),
        Figure(ROW, f"{pace.name}, shown", "tokens/s", shown),
        *(share(pace, process, spent[process] / seconds) for process in spent),
    ]


def seen(readers: list[Reader], pace: Pace) -> list[Figure]:
    lost = sum(reader.lost(pace.tokens) for reader in readers)
    disordered = sum(reader.numbers != sorted(set(reader.numbers)) for reader in readers)
    none = [at_most(0)]
    return [
        timings(
            ROW, f"{pace.name}, lateness", [late for reader in readers for late in reader.late], pace.goals
        ),
        Figure(ROW, f"{pace.name}, lost", "events", lost, goals=none, is_count=True),
        Figure(ROW, f"{pace.name}, twice or out of order", "streams", disordered, goals=none, is_count=True),
    ]


def share(pace: Pace, process: str, cores: float) -> Figure:
    return Figure(ROW, f"{pace.name}, processor time of the {process}", "% of a core", cores * 100)


async def read(calls: Connection, streams: dict[str, Connection], pace: Pace) -> list[Reader]:
    """Answer all the sessions, by path, and read their streams to the exits."""
    readers = [Reader() for _ in streams]
    for (path, stream), reader in zip(streams.items(), readers, strict=True):
        stream.hand_to(reader.receive)
        await calls.post(f"{path}/interaction", pace.answer)
    with suppress(TimeoutError):  # a server that cannot keep up with the pace would take very long
        async with asyncio.timeout(pace.seconds + PATIENCE_SECONDS):
            await asyncio.gather(*(reader.is_over.wait() for reader in readers))
    return readers


async def followed(calls: Connection, port: int) -> tuple[str, Connection]:
    """A new session's path, and a stream of it that is at its question."""
    path = f"/api/session/{orjson.loads(await calls.post('/api/session', CREATION))['session_id']}"
    stream = await connect(port)
    await stream.follow(f"{path}/stream?follow=true")
    await stream.until(PROMPT)
    return path, stream
