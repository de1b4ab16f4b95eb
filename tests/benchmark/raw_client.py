"""The least client that can be measured with: HTTP/1.1 over a blocking socket, kept alive."""

from __future__ import annotations

import json
import socket
from typing import Any


class RawConnection:
    """One connection; requests go one after the other."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

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
        self._socket.sendall(head.encode() + content)

    def answer(self) -> Any:
        """The second half of `post`."""
        _, body = self._read_answer()
        return json.loads(body)

    def open_stream(self, path: str) -> None:
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        headers = self._read_until(b"\r\n\r\n")
        if not headers.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path}: {headers!r}")

    def next_event(self) -> bytes:
        """The JSON of the next event of an open stream."""
        while True:
            message = self._read_until(b"\n\n")
            if b"\ndata: " in message and b"event: " not in message:
                return message.split(b"\ndata: ", 1)[1]

    def next_block(self, block_type: str) -> dict[str, Any]:
        """The next event of this block type."""
        while (event := json.loads(self.next_event()))["block_type"] != block_type:
            pass
        return dict(event)

    def close(self) -> None:
        self._socket.close()

    def _read_answer(self) -> tuple[bytes, bytes]:
        headers = self._read_until(b"\r\n\r\n").lower()
        length = int(headers.split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(self._buffer) < length:
            self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        if not headers.startswith(b"http/1.1 2"):
            raise RuntimeError(f"{headers!r} {body!r}")
        return headers, body

    def _read_until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._receive()
        found, self._buffer = self._buffer.split(end, 1)
        return found

    def _receive(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data


def asking_session(port: int, app: str) -> str:
    """The id of a new session of an app, which has asked its first question."""
    calls, stream = RawConnection(port), RawConnection(port)
    session = str(calls.post("/api/session", {"app_id": app})["session_id"])
    stream.open_stream(f"/api/session/{session}/stream")
    stream.next_block("input_request")
    calls.close()
    stream.close()
    return session
