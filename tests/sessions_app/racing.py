"""Making the writes of the web race each other, or wait."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from sessions_app.log_writer import LogWriter
from sessions_app.models import Session
from sessions_app.server import Server
from sessions_app.writes import Position, Write

SECONDS = 20.0
T = TypeVar("T")


class Together:
    """A writer that holds the first `count` writes until all are there: all had read the same row."""

    def __init__(self, writer: LogWriter, count: int) -> None:
        self._writer = writer
        self._count = count
        self._held: list[tuple[Write | Session, Future[Position]]] = []
        self.holds = asyncio.Event()

    def submit(self, work: Write | Session) -> Future[Position]:
        if self._count == 0:
            return self._writer.submit(work)
        outcome: Future[Position] = Future()
        self._held.append((work, outcome))
        self.holds.set()
        if len(self._held) == self._count:
            self.release()
        return outcome

    def release(self) -> None:
        """Write what is held, and hold no more."""
        self._count = 0
        for held, held_outcome in self._held:
            self._writer.submit(held).add_done_callback(partial(pass_on, held_outcome))

    def stop(self) -> None:
        self._writer.stop()


def pass_on(outcome: Future[Position], done: Future[Position]) -> None:
    if error := done.exception():
        outcome.set_exception(error)
    else:
        outcome.set_result(done.result())


def race(server: Server, count: int) -> None:
    """The next so many writes of the web race each other."""
    server.writer = Together(server.writer, count)  # type: ignore[assignment]


@asynccontextmanager
async def under_way(server: Server, call: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """A call whose write is held, as all writes of the web are, until the block's end; then it is done."""
    together = Together(server.writer, sys.maxsize)
    server.writer = together  # type: ignore[assignment]
    task = asyncio.create_task(call)
    await asyncio.wait_for(together.holds.wait(), SECONDS)
    try:
        yield task
    finally:
        together.release()
    await asyncio.wait_for(task, SECONDS)
