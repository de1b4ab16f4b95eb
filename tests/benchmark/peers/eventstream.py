"""django-eventstream, on uvicorn, with events in memory and with its own storage in SQLite.

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
from tests.benchmark.raw_client import RawConnection


class Times(ABC):
    """Events that carry their times, over one stream that stays open."""

    @abstractmethod
    def send(self, count: int) -> list[float]:
        """Have so many sent, as fast as the server can; the milliseconds that those which arrived took."""


class EventstreamTimes(Times):
    def __init__(self, port: int, last_event_id: str = "") -> None:
        self.calls, self.stream = PeerConnection(port), PeerConnection(port)
        self.stream.open_stream(f"/events/?lastEventId={last_event_id}")
        self.stream.next_with(b"stream-open")

    def send(self, count: int) -> list[float]:
        self.calls.post_form(f"/send?count={count}")
        end = time.monotonic()
        if count > 1:
            self.calls.post_form("/send?count=1")  # so that the reader sees where the flood ended
        latencies: list[float] = []
        while (sent := self.next_time()) < end:
            latencies.append((time.monotonic() - sent) * 1000)
            if count == 1:
                break
        return latencies

    def next_time(self) -> float:
        return float(self.stream.next_with(b"event: message").split(b"data: ")[1])


class OurTimes(Times):
    """The app of that name, answered with how many it shall show; each is committed before it is sent."""

    def __init__(self, port: int) -> None:
        self.calls, self.stream = RawConnection(port), RawConnection(port)
        self.session = self.calls.post("/api/session", {"app_id": "times.times"})["session_id"]
        self.stream.open_stream(f"/api/session/{self.session}/stream?follow=true")
        self.question = self.stream.next_block("input_request")["block_id"]

    def send(self, count: int) -> list[float]:
        answer = {"blockId": self.question, "value": str(count), "blockType": "input_request"}
        self.calls.post(f"/api/session/{self.session}/interaction", answer)
        latencies: list[float] = []
        while (event := json.loads(self.stream.next_event()))["block_type"] == "markdown":
            latencies.append((time.monotonic() - float(event["data"]["content"])) * 1000)
        self.question = event["block_id"]
        return latencies


def site(name: str, storage: str) -> Peer:
    return Peer(
        name,
        ["django-eventstream==5.3.0", "Django~=5.2.0", "uvicorn[standard]"],
        ["uvicorn", "eventstream_site:application", "--port", "{port}", "--log-level", "error"],
        settings={"STORAGE": storage},
    )


IN_MEMORY = site("django-eventstream 5.3", "")
WITH_STORAGE = site("django-eventstream 5.3", "django_eventstream.storage.DjangoModelStorage")
