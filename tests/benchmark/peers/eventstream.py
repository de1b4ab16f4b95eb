"""django-eventstream, on uvicorn, with events in memory and with its own storage in SQLite, set as ours is.

It has no sessions: what is measured is how long an event takes from the call that sends it to the
client's having read it, and how many of a flood arrive. Each event carries the time of its call, by the
clock that all processes of a machine share. Floods are small enough for the socket's buffers, so that
none is lost for the reader's being slow.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod

from tests.benchmark.peers.connection import PeerConnection
from tests.benchmark.peers.server import Peer
from tests.benchmark.raw_client import PATIENCE_SECONDS, RawConnection


class Times(ABC):
    """Events that carry their times, over one stream that stays open."""

    @abstractmethod
    def send(self) -> float:
        """Have one sent; the milliseconds that it took."""

    @abstractmethod
    def flood(self, count: int) -> int:
        """Have so many sent, as fast as the server can; how many of them arrived."""


class EventstreamTimes(Times):
    """Without storage it throws away what is sent while the stream begins, and what makes more than ten
    that wait: so a marker tells where events end, sent once nothing came for a while.
    """

    QUIET_SECONDS = 1.0
    MARKERS = 10

    def __init__(self, port: int) -> None:
        self.calls, self.stream = PeerConnection(port), PeerConnection(port)
        self.stream.open_stream("/events/")
        self.stream.next_with(b"stream-open")
        self.flood(0)

    def send(self) -> float:
        start = time.monotonic()
        self.have_sent(1)
        while (sent := self.next_time()) < start:  # another marker
            pass
        return milliseconds_since(sent)

    def flood(self, count: int) -> int:
        start = time.monotonic()
        self.have_sent(count)
        end = time.monotonic()
        arrived = 0
        while (sent := self.next_time_or_marker()) < end:
            arrived += sent >= start
        return arrived

    def have_sent(self, count: int) -> None:
        self.calls.post_form(f"/send?count={count}")

    def next_time(self, patience_seconds: float = PATIENCE_SECONDS) -> float:
        message = self.stream.next_with(b"event: message", patience_seconds)
        return float(message.split(b"data: ")[1])

    def next_time_or_marker(self) -> float:
        for _ in range(self.MARKERS):
            try:
                return self.next_time(self.QUIET_SECONDS)
            except TimeoutError:
                self.have_sent(1)
        raise TimeoutError(f"None of {self.MARKERS} events came in {self.QUIET_SECONDS:g} s each.")


class OurTimes(Times):
    """The app of that name, answered with how many it shall show; each is committed before it is sent."""

    def __init__(self, port: int) -> None:
        self.calls, self.stream = RawConnection(port), RawConnection(port)
        self.session = self.calls.post("/api/session", {"app_id": "times.times"})["session_id"]
        self.stream.open_stream(f"/api/session/{self.session}/stream?follow=true")
        self.question = self.stream.next_block("input_request")["block_id"]

    def send(self) -> float:
        self.answer(1)
        latency = milliseconds_since(float(self.stream.next_block("markdown")["data"]["content"]))
        self.question = self.stream.next_block("input_request")["block_id"]
        return latency

    def flood(self, count: int) -> int:
        self.answer(count)
        arrived = 0
        while (event := json.loads(self.stream.next_event()))["block_type"] == "markdown":
            arrived += 1
        self.question = event["block_id"]
        return arrived

    def answer(self, count: int) -> None:
        answer = {"blockId": self.question, "value": str(count), "blockType": "input_request"}
        self.calls.post(f"/api/session/{self.session}/interaction", answer)


def milliseconds_since(moment: float) -> float:
    return (time.monotonic() - moment) * 1000


def site(name: str, storage: str) -> Peer:
    return Peer(
        name,
        ["django-eventstream==5.3.0", "Django~=5.2.0", "uvicorn[standard]"],
        "eventstream",
        ["uvicorn", "event_site:application", "--port", "{port}", "--log-level", "error"],
        settings={"STORAGE": storage},
    )


IN_MEMORY = site("django-eventstream 5.3", "")
WITH_STORAGE = site("django-eventstream 5.3", "django_eventstream.storage.DjangoModelStorage")
