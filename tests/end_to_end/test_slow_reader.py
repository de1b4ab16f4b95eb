"""A client that reads slowly gets every event, late; what it makes the server hold is bounded."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable

import psutil

from tests.client import read_messages
from tests.deadline import until
from tests.server import ServerProcess

ENTRIES = 8000
CONTENT_BYTES = 10_000  # hostile.flood_bytes shows this much at a time
ALLOWED_MIB = 24


def test_slow_reader_loses_nothing_and_costs_little(start_server: Callable[..., ServerProcess]) -> None:
    server = start_server(YERA_MAX_TURN_ENTRIES=str(ENTRIES), YERA_STREAM_BUFFER_BYTES="1000000")
    client = server.client()
    web = psutil.Process(server.pid)
    before = web.memory_info().rss
    session = client.create("hostile.flood_bytes")
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", f"/api/session/{session}/stream?after=0")
    response = connection.getresponse()  # reads the headers only
    assert until(lambda: client.state(session)["status"] == "failed", seconds=60)
    grown = (web.memory_info().rss - before) / 2**20
    assert grown < ALLOWED_MIB, f"{grown:.0f} MiB for a reader that has taken nothing"
    story = list(read_messages(line.decode().rstrip("\n") for line in response))
    connection.close()
    assert [message.seq for message in story] == list(range(1, len(story) + 1))
    assert story[-1].data["block_type"] == "exit"
    assert len(story) == ENTRIES + 1


def test_client_that_takes_nothing_is_dropped(start_server: Callable[..., ServerProcess]) -> None:
    server = start_server(YERA_MAX_TURN_ENTRIES=str(ENTRIES), YERA_SEND_TIMEOUT_SECONDS="0.5")
    client = server.client()
    session = client.create("hostile.flood_bytes")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(
            f"GET /api/session/{session}/stream?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        )
        assert until(lambda: "Closed a stream whose client took nothing" in server.log)
        connections = psutil.Process(server.pid).net_connections
        port = connection.getsockname()[1]
        assert until(lambda: not any(each.raddr and each.raddr.port == port for each in connections()))
