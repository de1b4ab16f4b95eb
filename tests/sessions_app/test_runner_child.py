"""A runner process as its server sees it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from sessions_app.dispatch.channel import packed
from sessions_app.dispatch.runner_child import RunnerChild

SECONDS = 5.0


class Puppet(RunnerChild):
    """Has no process: what comes over its channel is written by the test, to `theirs`."""

    def __init__(self) -> None:
        self.name = "puppet"
        self.has_reported = False
        self._end, self.theirs = socket.socketpair()
        self._writer = None
        self._unsent = []


@pytest.fixture
def puppet() -> Iterator[Puppet]:
    puppet = Puppet()
    yield puppet
    puppet.theirs.close()


@pytest.mark.parametrize("turns", range(6))
async def test_attending_is_cancelled_at_whatever_moment_a_message_comes(puppet: Puppet, turns: int) -> None:
    """Of so many turns of the event loop one is that in which the message has come but is not taken yet."""
    attending = asyncio.create_task(puppet._attend())
    while puppet._writer is None:  # noqa: ASYNC110 - nobody else tells
        await asyncio.sleep(0)
    puppet.theirs.send(packed({"is": "alive", "waited": 0.0}))
    for _ in range(turns):
        await asyncio.sleep(0)
    attending.cancel()
    done, _ = await asyncio.wait([attending], timeout=SECONDS)
    puppet.theirs.shutdown(socket.SHUT_RDWR)  # lets one that goes on come to its end
    await asyncio.gather(attending, return_exceptions=True)
    puppet._writer.close()
    assert done and attending.cancelled()
