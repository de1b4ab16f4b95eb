"""Gradio, as its page drives it: a call joins the queue, a stream tells what becomes of it.

First output: POST queue/join, GET queue/data, the message with the function's result. Turn: the same
of the echo.
"""

from __future__ import annotations

import uuid

from tests.benchmark.peers.connection import PeerConnection
from tests.benchmark.peers.conversation import Conversation
from tests.benchmark.peers.server import Peer

HELLO, ECHO, LATE_ECHO = range(3)  # the functions of the app


class Gradio(Conversation):
    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.calls, self.stream = PeerConnection(port), PeerConnection(port)
        self.session = uuid.uuid4().hex

    def begin(self) -> None:
        self.join(HELLO)
        self.read(b"process_completed")

    def settle(self) -> None:
        self.stream.next_with(b"close_stream")
        self.stream.close()
        self.stream = PeerConnection(self.port)

    def answer(self) -> None:
        self.join(ECHO, "x")
        self.read(b"process_completed")

    def leave(self) -> None:
        """It keeps nothing for one who waits: have a job run."""
        self.settle()
        self.join(LATE_ECHO, "x")
        self.read(b"process_starts")

    def goes_on(self) -> bool:
        """Whether the stream still knows of a job of before."""
        self.stream = PeerConnection(self.port)
        return b"unexpected_error" not in self.read(b"data: ")

    def end(self) -> None:
        self.calls.close()
        self.stream.close()

    def join(self, function: int, *data: str) -> None:
        body = {"fn_index": function, "data": data, "session_hash": self.session}
        self.calls.post("/gradio_api/queue/join", body)

    def read(self, part: bytes) -> bytes:
        self.stream.open_stream(f"/gradio_api/queue/data?session_hash={self.session}")
        return self.stream.next_with(part)


class GradioNotice(Gradio):
    """The first message of all, which only says that the call has a place in the queue."""

    def begin(self) -> None:
        self.join(HELLO)
        self.read(b"data: ")


GRADIO = Peer("Gradio 6.31", ["gradio==6.31.0"], "gradio", ["python", "echo.py"])
