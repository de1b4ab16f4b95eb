"""A server that sends what it is told, packet by packet."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def serve() -> Iterator[Callable[[list[bytes]], int]]:
    """Answers one request with these packets; gives its port."""
    threads = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer(packets: list[bytes]) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.recv(1000)
                for packet in packets:
                    connection.sendall(packet)

        def start(packets: list[bytes]) -> int:
            threads.append(threading.Thread(target=answer, args=(packets,)))
            threads[-1].start()
            return int(listener.getsockname()[1])

        yield start
        for thread in threads:
            thread.join()
