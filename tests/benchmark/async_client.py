"""A client of many connections that costs little, since it shares the processors with what it measures.

HTTP/1.1 over asyncio, kept alive. It knows the two kinds of answers that are measured: JSON of a
declared length, and a stream in chunks. Chunks are not taken apart: their lengths stand between the
messages, where nobody looks.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

HEAD_END, MESSAGE_END, STREAM_END = b"\r\n\r\n", b"\n\n", b"\r\n0\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
# Says how many bytes of what has come are what is waited for, 0 while it is not whole.
EndOf = Callable[[bytearray], int]


class Connection(asyncio.Protocol):
    """One connection, made by `connect`; requests go one after the other."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._end_of: EndOf = _end_of_answer
        self._waiter: asyncio.Future[None] | None = None
        self._receive: Callable[[bytes], None] | None = None

    async def post(self, path: str, body: bytes) -> bytes:
        """The answer's body; raises RuntimeError unless its status is 2xx."""
        self._transport.write(
            b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" % path.encode()
            + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        return _body(path, await self._take(_end_of_answer))

    async def get(self, path: str) -> bytes:
        """The whole of what is answered, a stream to its end."""
        self._transport.write(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
        return _body(path, await self._take(_end_of_answer))

    async def follow(self, path: str) -> None:
        """Open a stream that stays open; its messages are then taken by `until`, or as `hand_to` says."""
        self._transport.write(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
        _body(path, await self._take(lambda buffer: _after(buffer, HEAD_END)))

    async def until(self, marker: bytes) -> bytes:
        """The stream's messages to the first one that holds `marker`."""
        return await self._take(lambda buffer: _after(buffer, marker, MESSAGE_END))

    async def to_end(self) -> bytes:
        """The rest of the stream, after which the connection takes another request."""
        return await self._take(_end_of_stream)

    def hand_to(self, receive: Callable[[bytes], None]) -> None:
        """From now on whatever comes is given to `receive`, as it comes."""
        self._receive = receive
        receive(bytes(self._buffer))

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport

    def data_received(self, data: bytes) -> None:
        if self._receive is not None:
            self._receive(data)
            return
        self._buffer += data
        if self._waiter is not None and not self._waiter.done() and self._end_of(self._buffer):
            self._waiter.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error or ConnectionError("the server closed the connection"))

    async def _take(self, end_of: EndOf) -> bytes:
        if not end_of(self._buffer):
            self._end_of, self._waiter = end_of, self._loop.create_future()
            await self._waiter
        end = end_of(self._buffer)
        taken = bytes(self._buffer[:end])
        del self._buffer[:end]
        return taken


async def connect(port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


def _after(buffer: bytearray, *markers: bytes) -> int:
    """The position after these, each behind the one before; 0 while one is missing."""
    end = 0
    for marker in markers:
        found = buffer.find(marker, end)
        if found < 0:
            return 0
        end = found + len(marker)
    return end


def _end_of_answer(buffer: bytearray) -> int:
    head = _after(buffer, HEAD_END)
    if not head:
        return 0
    if length := LENGTH.search(buffer, 0, head):
        end = head + int(length[1])
        return end if len(buffer) >= end else 0
    return _end_of_stream(buffer)


def _end_of_stream(buffer: bytearray) -> int:
    return len(buffer) if buffer.endswith(STREAM_END) else 0


def _body(path: str, answer: bytes) -> bytes:
    head, _, body = answer.partition(HEAD_END)
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(f"{path}: {answer!r}")
    return body
