"""Our own server, as the peers' are driven: as old clients do it, and over one stream to the end."""

from __future__ import annotations

from tests.benchmark.peers.conversation import Conversation
from tests.benchmark.raw_client import PATIENCE_SECONDS, RawConnection

OURS = "ours"  # in the table


class Reopened(Conversation):
    """POST session, GET stream; then POST and GET a turn."""

    patience_seconds = PATIENCE_SECONDS
    query = ""
    calls: RawConnection
    stream: RawConnection

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.connect()
        self.asked = 0

    def begin(self) -> None:
        self.session = self.calls.post("/api/session", {"app_id": "echo.echo"})["session_id"]
        self.read()

    def settle(self) -> None:
        self.stream.next_block("input_request")
        self.asked += 1
        self.stream.close()
        self.stream = self.connection()

    def answer(self) -> None:
        self.send("x")
        self.read()

    def goes_on(self) -> bool:
        self.connect()
        try:
            self.answer()
        except RuntimeError:
            return False
        return True

    def end(self) -> None:
        self.calls.post(f"/api/session/{self.session}/cancel", {})
        self.close()

    def read(self) -> None:
        self.stream.open_stream(f"/api/session/{self.session}/stream{self.query}")
        self.stream.next_event()

    def send(self, text: str) -> None:
        answer = {"blockId": f"input_request-{self.asked}", "value": text, "blockType": "input_request"}
        self.calls.post(f"/api/session/{self.session}/interaction", answer)

    def connection(self) -> RawConnection:
        return RawConnection(self.port, self.patience_seconds)

    def connect(self) -> None:
        self.calls, self.stream = self.connection(), self.connection()

    def close(self) -> None:
        self.calls.close()
        self.stream.close()


class Followed(Reopened):
    """POST session, GET stream; then one POST a turn."""

    query = "?follow=true"

    def settle(self) -> None:
        self.stream.next_block("input_request")
        self.asked += 1

    def answer(self) -> None:
        self.send("x")
        self.stream.next_event()

    def goes_on(self) -> bool:
        self.connect()
        self.read()
        self.answer()
        return True
