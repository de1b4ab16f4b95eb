"""A thousand idle streams cost a socket each, and neither a thread nor a database connection."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable

import psutil
import pytest

from tests.server import ServerProcess

STREAMS = 1000
ALLOWED_MORE = 4  # threads of the database pool that had not been needed before


@pytest.fixture
def many_files() -> None:
    """Room for the client's sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4 * STREAMS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * STREAMS, hard), hard))


def test_thousand_idle_streams(many_files: None, start_server: Callable[..., ServerProcess]) -> None:
    server = start_server()
    client = server.client()
    sessions = [client.create("steady.ask") for _ in range(20)]
    for session in sessions:
        client.turn(session)
    asyncio.run(open_and_count(server, sessions))


async def open_and_count(server: ServerProcess, sessions: list[str]) -> None:
    web = psutil.Process(server.pid)
    threads, database_files = web.num_threads(), open_database_files(web)
    connections = []
    for number in range(STREAMS):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        path = f"/api/session/{sessions[number % len(sessions)]}/stream?follow=true"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        connections.append((reader, writer))
    for reader, _ in connections:
        assert b" 200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert b"waiting" in await reader.readuntil(b"\n\n")
    assert web.num_threads() - threads <= ALLOWED_MORE
    assert open_database_files(web) - database_files <= ALLOWED_MORE
    await asyncio.to_thread(server.client().answer, sessions[0], "input_request-1", "hello")
    for reader, _ in connections[:: len(sessions)]:
        assert b'"return_value":"hello"' in await reader.readuntil(b'"return_value":"hello"')
    for _, writer in connections:
        writer.close()


def open_database_files(process: psutil.Process) -> int:
    return sum(file.path.endswith("db.sqlite3") for file in process.open_files())
