"""Messages between the web process and a runner process: msgpack maps over a socket pair."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import msgpack

READ_BYTES = 256 * 1024


def packed(message: dict[str, Any]) -> bytes:
    data: bytes = msgpack.packb(message)
    return data


def unpacker() -> Any:
    """Takes bytes with `feed` and iterates over the messages that are whole."""
    return msgpack.Unpacker(max_buffer_size=0)


class BlockingChannel:
    """A runner's end: any thread may send, one thread receives."""

    def __init__(self, end: socket.socket) -> None:
        # A process that an app starts or forks must not keep the channel open.
        end.set_inheritable(False)
        os.register_at_fork(after_in_child=end.close)
        self._socket = end
        self._sending = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        """Blocks while the other side is slow: that holds the writer, and so the apps that flood."""
        with self._sending:
            self._socket.sendall(packed(message))

    def messages(self) -> Iterator[dict[str, Any]]:
        """All messages until the other side is gone."""
        incoming = unpacker()
        while data := self._socket.recv(READ_BYTES):
            incoming.feed(data)
            yield from incoming
