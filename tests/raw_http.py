"""HTTP over a bare socket: requests that no client library would send."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
SECONDS = 10.0
EVENT_STREAM = "text/event-stream"

Lines = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    """A response; of a stream only its head was read."""

    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


def request(method: bytes, target: bytes, headers: Lines = (), body: bytes = b"") -> bytes:
    """A request's bytes; its length is not declared unless `headers` do."""
    lines = [(b"Host", b"localhost"), *headers]
    head = b"".join(b"%s: %s\r\n" % line for line in lines)
    return b"%s %s HTTP/1.1\r\n%s\r\n%s" % (method, target, head, body)


def with_length(body: bytes) -> Lines:
    return [(b"Content-Length", b"%d" % len(body))]


def chunked(body: bytes, size: int = 65536) -> bytes:
    """A body in the form that `Transfer-Encoding: chunked` announces."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def exchange(port: int, sent: bytes) -> Answer:
    """What is answered to these bytes; raises TimeoutError after SECONDS without a byte."""
    with socket.create_connection((HOST, port), timeout=SECONDS) as connection:
        connection.sendall(sent)
        response = http.client.HTTPResponse(connection, method=sent.partition(b" ")[0].decode("latin-1"))
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        content = b"" if headers.get("content-type") == EVENT_STREAM else response.read()
        return Answer(response.status, headers, content)


def until_closed(port: int, sent: bytes) -> bytes:
    """All that is answered to these bytes and the end of sending; raises TimeoutError as `exchange` does."""
    with socket.create_connection((HOST, port), timeout=SECONDS) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))
