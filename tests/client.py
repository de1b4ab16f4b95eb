"""A client as old clients are: REST calls, and Server-Sent Events read line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

READ_SECONDS = 20.0


@dataclass(frozen=True)
class Message:
    """One SSE message; `seq` is its id, 0 where the server sent none."""

    event: str
    seq: int
    data: Any


def read_messages(lines: Iterator[str]) -> Iterator[Message]:
    """SSE messages by the rules of the WHATWG standard that our server uses; comments are passed over."""
    fields: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            if "data" in fields:
                seq = int(fields.get("id", 0))
                yield Message(fields.get("event", "message"), seq, json.loads(fields["data"]))
            fields = {}


class SessionClient:
    """Talks to one server."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=READ_SECONDS, trust_env=False)

    def close(self) -> None:
        self.http.close()

    def create(self, app_id: str) -> str:
        answer = self.http.post("/api/session", json={"app_id": app_id})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["session_id"])

    def state(self, session_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/api/session/{session_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def post_answer(
        self, session_id: str, block_id: str, value: Any, block_type: str = "text"
    ) -> httpx.Response:
        body = {"blockId": block_id, "value": value, "blockType": block_type}
        return self.http.post(f"/api/session/{session_id}/interaction", json=body)

    def answer(self, session_id: str, block_id: str, value: Any, block_type: str = "text") -> None:
        answer = self.post_answer(session_id, block_id, value, block_type)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"status": "received", "session_id": session_id}

    def cancel(self, session_id: str) -> dict[str, Any]:
        answer = self.http.post(f"/api/session/{session_id}/cancel")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    @contextmanager
    def stream(
        self,
        session_id: str,
        *,
        after: int | None = None,
        follow: bool = False,
        last_event_id: str | None = None,
    ) -> Iterator[Iterator[Message]]:
        """The messages of one stream; leaving the block closes it."""
        query: dict[str, Any] = {} if after is None else {"after": after}
        if follow:
            query["follow"] = "true"
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        path = f"/api/session/{session_id}/stream"
        with self.http.stream("GET", path, params=query, headers=headers) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"] == "text/event-stream"
            yield read_messages(response.iter_lines())

    def turn(self, session_id: str) -> list[Message]:
        """The current turn, as an old client reads it: a new stream, up to its end."""
        with self.stream(session_id) as messages:
            return list(messages)

    def events(self, session_id: str, **options: Any) -> list[dict[str, Any]]:
        """The data of one stream's messages, read to its end."""
        with self.stream(session_id, **options) as messages:
            return [message.data for message in messages]
