"""The client that is measured with."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.benchmark.raw_client import RawConnection

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
# Two events, a comment and what is no event, in chunks that end within messages and their ends.
CHUNKS = (
    b"9\r\ndata: {}\n\r\n"
    b"9\r\n\n: idle\n\n\r\n"
    b"19\r\nevent: status\ndata: {1}\n\n\r\n"
    b"8\r\nid: 2\nda\r\n"
    b"9\r\nta: {2}\n\n\r\n"
    b"0\r\n\r\n"
)


def test_events_are_read_wherever_chunks_end(serve: Callable[[list[bytes]], int]) -> None:
    with closing(RawConnection(serve([HEAD, CHUNKS]))) as connection:
        connection.open_stream("/")
        assert [connection.next_event(), connection.next_event()] == [b"{}", b"{2}"]
        with pytest.raises(ConnectionError, match="ended the stream"):
            connection.next_event()


def test_a_wait_for_a_server_that_says_nothing_has_an_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        connection = RawConnection(port, patience_seconds=0.1)
        with closing(connection), pytest.raises(TimeoutError, match=f"{port} did not send in time"):
            connection.open_stream("/")
