"""A client that takes nothing for too long loses its stream, one that takes a little does not."""

from __future__ import annotations

import asyncio
from typing import Any

from sessions_app.send_deadline import SendDeadline

SECONDS = 20.0


class Client:
    """Takes each message after a while; None is never."""

    def __init__(self, seconds: float | None) -> None:
        self.taken: list[Any] = []
        self._seconds = seconds

    async def send(self, message: Any) -> None:
        await (asyncio.Event().wait() if self._seconds is None else asyncio.sleep(self._seconds))
        self.taken.append(message)


async def watched(client: Client, seconds: float, messages: int, pause: float = 0) -> SendDeadline:
    deadline = SendDeadline(client.send, seconds)

    async def sending() -> None:
        for number in range(messages):
            await deadline.send(number)
            await asyncio.sleep(pause)

    task = asyncio.create_task(sending())
    deadline.watch(task)
    await asyncio.wait([task], timeout=SECONDS)
    assert task.done()
    assert task.cancelled() == deadline.has_passed
    return deadline


async def test_client_that_takes_nothing_is_given_up() -> None:
    client = Client(None)
    assert (await watched(client, 0.02, 3)).has_passed
    assert client.taken == []


async def test_client_that_takes_slowly_is_served() -> None:
    """All together takes longer than one may."""
    client = Client(0.01)
    assert not (await watched(client, 0.2, 40)).has_passed
    assert client.taken == list(range(40))


async def test_stream_that_has_nothing_to_send_is_not_given_up() -> None:
    client = Client(0)
    assert not (await watched(client, 0.01, 4, pause=0.03)).has_passed
    assert client.taken == list(range(4))


async def test_timer_ends_with_the_stream() -> None:
    deadline = await watched(Client(0), 3600, 1)
    await asyncio.sleep(0)
    assert deadline._timer is not None
    assert deadline._timer.cancelled()
