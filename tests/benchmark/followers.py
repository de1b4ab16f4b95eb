"""Many streams read by one thread that looks at no event, so that it costs little beside the server.

It counts single bytes, which no boundary can split: a `~` for each event that the benchmark's apps
show, and two carriage returns for each chunk of HTTP, which is one write of the server.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Callable, Sequence

MARK = b"~"
UNOPENED = 256  # connections at a time that wait for their first byte: fewer than a server's backlog
LONGEST_SECONDS = 60.0
LAST_CHUNK = b"\r\n0\r\n\r\n"
CHUNK_HEAD = re.compile(rb"(?:\r\n)?([0-9a-f]+)\r\n")

_buffer = bytearray(262_144)  # what is not kept is never copied


class Follower:
    """One stream. Times are of `time.perf_counter`, of the packets that events came with."""

    def __init__(self, port: int, path: str, *, is_kept: bool) -> None:
        self.marks = 0
        self.first_mark = self.last_mark = 0.0
        self.is_open = self.is_over = False
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        self.socket.setblocking(False)
        self.is_kept = is_kept
        self._carriage_returns = 0
        self._pieces: list[bytes] = []
        self._tail = b""

    @property
    def writes(self) -> int:
        """Chunks that the server has sent."""
        return self._carriage_returns // 2

    @property
    def body(self) -> bytes:
        """All that came, where it is kept."""
        return unchunked(b"".join(self._pieces).partition(b"\r\n\r\n")[2])

    def receive(self) -> None:
        """Take and count what is there."""
        size = self.socket.recv_into(_buffer)
        if marks := _buffer.count(MARK, 0, size):
            self.last_mark = time.perf_counter()
            self.first_mark = self.first_mark if self.marks else self.last_mark
            self.marks += marks
        self._carriage_returns += _buffer.count(b"\r", 0, size)
        if self.is_kept or not self.is_open:
            self._pieces.append(bytes(_buffer[:size]))
        if not self.is_open:
            self._look_for_opening()
        self._tail = (self._tail + _buffer[max(0, size - len(LAST_CHUNK)) : size])[-len(LAST_CHUNK) :]
        self.is_over = size == 0 or self._tail == LAST_CHUNK

    def _look_for_opening(self) -> None:
        """It is open when something comes after the response's head."""
        head, _, body = b"".join(self._pieces).partition(b"\r\n\r\n")
        if not body:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"A stream was refused: {head!r} {body!r}")
        self.is_open = True
        self._carriage_returns = body.count(b"\r")


def unchunked(content: bytes) -> bytes:
    """A body in chunks, without what is around them."""
    chunks, at = [], 0
    while head := CHUNK_HEAD.match(content, at):
        size = int(head[1], 16)
        chunks.append(content[head.end() : head.end() + size])
        at = head.end() + size
    return b"".join(chunks)


class Followers:
    """Streams that are read together, of which the first `kept` keep what comes."""

    def __init__(self, port: int, paths: Sequence[str], *, kept: int = 0) -> None:
        self.all: list[Follower] = []
        self._selector = selectors.DefaultSelector()
        try:
            for first in range(0, len(paths), UNOPENED):
                for path in paths[first : first + UNOPENED]:
                    self._add(Follower(port, path, is_kept=len(self.all) < kept))
                self.read_until(lambda follower: follower.is_open)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for follower in self.all:
            follower.socket.close()
        self._selector.close()

    def read_until(self, has_come: Callable[[Follower], bool]) -> int:
        """Read until it is so for each, or for LONGEST_SECONDS; for how many it is not so."""
        waited_for = {follower for follower in self.all if not has_come(follower)}
        deadline = time.monotonic() + LONGEST_SECONDS
        while waited_for and self._selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                self._receive(key.data)
                if has_come(key.data):
                    waited_for.discard(key.data)
        return len(waited_for)

    def read_to_end(self) -> None:
        """Raises TimeoutError where a stream does not end in LONGEST_SECONDS."""
        if open_still := self.read_until(lambda follower: follower.is_over):
            raise TimeoutError(f"{open_still} of {len(self.all)} streams have not ended.")

    @property
    def marks(self) -> int:
        return sum(follower.marks for follower in self.all)

    @property
    def writes(self) -> int:
        return sum(follower.writes for follower in self.all)

    @property
    def seconds(self) -> float:
        """From the first mark that came to any of them to the last."""
        marked = [follower for follower in self.all if follower.marks]
        return max(each.last_mark for each in marked) - min(each.first_mark for each in marked)

    def _add(self, follower: Follower) -> None:
        self.all.append(follower)
        self._selector.register(follower.socket, selectors.EVENT_READ, follower)

    def _receive(self, follower: Follower) -> None:
        follower.receive()
        if follower.is_over:
            self._selector.unregister(follower.socket)
