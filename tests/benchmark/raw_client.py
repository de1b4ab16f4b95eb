"""The least client that can be measured with: HTTP/1.1 over a blocking socket, kept alive.

A server that does not send what is waited for ends the wait with a TimeoutError, whatever else it sends.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any

PATIENCE_SECONDS = 30.0


class RawConnection:
    """One connection; requests go one after the other. What is waited for comes within `patience_seconds`."""

    def __init__(self, port: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.port = port
        self.patience_seconds = patience_seconds
        self._socket = socket.create_connection(("127.0.0.1", port), patience_seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""  # received
        self._messages = b""  # of the open stream, without the chunks around them

    def post(self, path: str, body: Any) -> Any:
        """The answer's JSON; raises RuntimeError unless its status is 2xx."""
        self.send(path, body)
        return self.answer()

    def send(self, path: str, body: Any) -> None:
        """The first half of `post`, for many at once."""
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        self._send(head.encode() + content)

    def answer(self) -> Any:
        """The second half of `post`."""
        _, body = self._read_answer()
        return json.loads(body)

    def open_stream(self, path: str) -> None:
        self._send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        headers = self._read_until(b"\r\n\r\n", self._deadline())
        if not headers.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path}: {headers!r}")

    def next_event(self) -> bytes:
        """The JSON of the next event of an open stream."""
        deadline = self._deadline()
        while True:
            lines = self._next_message(deadline).splitlines()
            fields = dict(line.partition(b": ")[::2] for line in lines)
            if b"data" in fields and b"event" not in fields:
                return fields[b"data"]

    def next_block(self, block_type: str) -> dict[str, Any]:
        """The next event of this block type."""
        while (event := json.loads(self.next_event()))["block_type"] != block_type:
            pass
        return dict(event)

    def read_to_end(self) -> None:
        """The rest of an open stream, until the server ends it."""
        deadline = self._deadline()
        while self._next_chunk(deadline):
            pass

    def close(self) -> None:
        self._socket.close()

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(self.patience_seconds)
        self._socket.sendall(data)

    def _read_answer(self) -> tuple[bytes, bytes]:
        deadline = self._deadline()
        headers = self._read_until(b"\r\n\r\n", deadline).lower()
        length = int(headers.split(b"content-length: ")[1].split(b"\r\n")[0])
        body = self._read(length, deadline)
        if not headers.startswith(b"http/1.1 2"):
            raise RuntimeError(f"{headers!r} {body!r}")
        return headers, body

    def _deadline(self, patience_seconds: float | None = None) -> float:
        """Of a wait that begins now, by the monotonic clock."""
        return time.monotonic() + (self.patience_seconds if patience_seconds is None else patience_seconds)

    def _next_message(self, deadline: float) -> bytes:
        """The next SSE message of an open stream; chunks of HTTP may end anywhere within it."""
        while b"\n\n" not in self._messages:
            chunk = self._next_chunk(deadline)
            if not chunk:
                raise ConnectionError("the server ended the stream")
            self._messages += chunk
        message, self._messages = self._messages.split(b"\n\n", 1)
        return message

    def _next_chunk(self, deadline: float) -> bytes:
        """Empty at the stream's end."""
        size = int(self._read_until(b"\r\n", deadline), 16)
        return self._read(size + len(b"\r\n"), deadline)[:size]

    def _read(self, size: int, deadline: float) -> bytes:
        while len(self._buffer) < size:
            self._receive(deadline)
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _read_until(self, end: bytes, deadline: float) -> bytes:
        while end not in self._buffer:
            self._receive(deadline)
        found, self._buffer = self._buffer.split(end, 1)
        return found

    def _receive(self, deadline: float) -> None:
        self._buffer += receive(self._socket, deadline)


def receive(connection: socket.socket, deadline: float) -> bytes:
    """What comes next; raises TimeoutError at the deadline, ConnectionError when nothing more will come."""
    connection.settimeout(max(deadline - time.monotonic(), 0.001))  # 0 would mean not to wait at all
    try:
        data = connection.recv(65536)
    except TimeoutError as error:
        port = connection.getpeername()[1]
        raise TimeoutError(f"The server at port {port} did not send in time what was waited for.") from error
    if not data:
        raise ConnectionError("the server closed the connection")
    return data


def asking_session(port: int, app: str) -> str:
    """The id of a new session of an app, which has asked its first question."""
    calls, stream = RawConnection(port), RawConnection(port)
    session = str(calls.post("/api/session", {"app_id": app})["session_id"])
    stream.open_stream(f"/api/session/{session}/stream")
    stream.next_block("input_request")
    calls.close()
    stream.close()
    return session
