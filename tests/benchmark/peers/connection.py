"""The raw client for servers that answer in other ways than ours."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.benchmark.raw_client import RawConnection


class PeerConnection(RawConnection):
    def post_form(self, path: str, **fields: str) -> bytes:
        """The answer's headers in lower case; raises RuntimeError unless its status is 2xx."""
        content = urlencode(fields).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(content)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        self._send(head.encode() + content)
        headers, _ = self._read_answer()
        return headers

    def next_with(self, part: bytes, patience_seconds: float | None = None) -> bytes:
        """The next SSE message of an open stream that holds this."""
        deadline = self._deadline(patience_seconds)
        while part not in (message := self._next_message(deadline)):
            pass
        return message
