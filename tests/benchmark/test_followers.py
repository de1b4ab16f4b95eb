"""Streams that are counted without being looked into."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from tests.benchmark.followers import Followers

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"2\r\n~a\r\n6\r\n\n\n~~\n\n\r\n0\r\n\r\n"
BODY = b"~a\n\n~~\n\n"


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_events_and_writes_are_counted_wherever_packets_end(
    serve: Callable[[list[bytes]], int], size: int
) -> None:
    sent = HEAD + CHUNKS
    port = serve([sent[start : start + size] for start in range(0, len(sent), size)])
    with closing(Followers(port, ["/"], kept=1)) as followers:
        followers.read_to_end()
        assert followers.marks == 3
        assert followers.writes == 3  # the end is one
        assert followers.all[0].body == BODY


def test_a_refused_stream_is_an_error(serve: Callable[[list[bytes]], int]) -> None:
    port = serve([b"HTTP/1.1 404 Not Found\r\n\r\n{}"])
    with pytest.raises(RuntimeError, match="404"):
        Followers(port, ["/"])


def test_a_stream_that_ends_early_is_waited_for_no_longer(serve: Callable[[list[bytes]], int]) -> None:
    port = serve([HEAD + b"1\r\n~\r\n"])
    with closing(Followers(port, ["/"])) as followers:
        assert followers.read_until(lambda follower: follower.marks > 1) == 1
