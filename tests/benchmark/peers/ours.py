"""Our own server, as the peers' are driven: over one stream to the end, and as old clients do it."""

from __future__ import annotations

from tests.benchmark.peers.conversation import Conversation
from tests.benchmark.raw_client import RawConnection


class Followed(Conversation):
    """POST session, GET stream; then one POST a turn."""

    QUERY = "?follow=true"

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.calls, self.stream = RawConnection(port), RawConnection(port)
        self.asked = 0

    def begin(self) -> None:
        self.session = self.calls.post("/api/session", {"app_id": "echo.echo"})["session_id"]
        self.read()

    def settle(self) -> None:
        self.stream.next_block("input_request")
        self.asked += 1

    def answer(self) -> None:
        answer = {"blockId": f"input_request-{self.asked}", "value": "x", "blockType": "input_request"}
        self.calls.post(f"/api/session/{self.session}/interaction", answer)
        self.stream.next_event()

    def goes_on(self) -> bool:
        self.calls, self.stream = RawConnection(self.port), RawConnection(self.port)
        self.read()
        self.answer()
        return True

    def end(self) -> None:
        self.calls.post(f"/api/session/{self.session}/cancel", {})
        self.calls.close()
        self.stream.close()

    def read(self) -> None:
        self.stream.open_stream(f"/api/session/{self.session}/stream{self.QUERY}")
        self.stream.next_event()


class Reopened(Conversation):
    """POST session, GET stream; then POST and GET a turn."""

    APP = "echo.echo"

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.calls, self.stream = RawConnection(port), RawConnection(port)
        self.asked = 0

    def begin(self) -> None:
        self.session = self.calls.post("/api/session", {"app_id": self.APP})["session_id"]
        self.read()

    def settle(self) -> None:
        self.stream.next_block("input_request")
        self.asked += 1
        self.stream.close()
        self.stream = RawConnection(self.port)

    def answer(self) -> None:
        self.send("x")
        self.read()

    def goes_on(self) -> bool:
        self.calls, self.stream = RawConnection(self.port), RawConnection(self.port)
        try:
            self.answer()
        except RuntimeError:
            return False
        return True

    def end(self) -> None:
        self.calls.post(f"/api/session/{self.session}/cancel", {})
        self.calls.close()
        self.stream.close()

    def read(self) -> None:
        self.stream.open_stream(f"/api/session/{self.session}/stream")
        self.stream.next_event()

    def send(self, text: str) -> None:
        answer = {"blockId": f"input_request-{self.asked}", "value": text, "blockType": "input_request"}
        self.calls.post(f"/api/session/{self.session}/interaction", answer)
