"""A follow client that is cut before and after each message, and comes back with its Last-Event-ID."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sessions_app.models import Kind, LogEntry
from sessions_app.stream import SessionStream, open_stream
from tests.client import Message, read_messages
from tests.sessions_app.playing import ANYBODY, rows


class CutClient:
    """`messages` are those with an id, in the order in which they came."""

    def __init__(self, session_id: UUID) -> None:
        self.session_id = session_id
        self.messages: list[Message] = []

    @property
    def last_seq(self) -> int:
        return self.messages[-1].seq if self.messages else 0

    async def follow(self) -> None:
        """Until there is nothing more to come."""
        while (unread := await self._open()) is not None:
            unread.close()
            if (stream := await self._open()) is not None:
                await self._read_one(stream)
                stream.close()

    async def look(self, count: int) -> None:
        """Read up to so many messages of what there is now."""
        if (stream := await self._open()) is not None:
            self.messages += with_ids(await anext(stream))[:count]
            stream.close()

    def check(self) -> None:
        """Each message came once, in order, as the log has it; none is missing but what was taken back."""
        log = {row.seq: row for row in rows(self.session_id) if row.kind != Kind.STEP}
        seqs = [message.seq for message in self.messages]
        assert seqs == sorted(set(seqs))
        for message in self.messages:
            assert message.data == json.loads(log[message.seq].payload)
        retracts = {seq for seq, row in log.items() if row.kind == Kind.RETRACT}
        assert set(log) - set(seqs) <= retracts | taken_back(log[seq] for seq in retracts)

    async def _open(self) -> SessionStream | None:
        return await open_stream(ANYBODY, self.session_id, self.last_seq, follow=True)

    async def _read_one(self, stream: SessionStream) -> None:
        async for data in stream:
            if messages := with_ids(data):
                self.messages.append(messages[0])  # what came with it is lost on the way
                return


def with_ids(data: bytes) -> list[Message]:
    return [message for message in read_messages(iter(data.decode().split("\n"))) if message.seq]


def taken_back(retracts: Iterable[LogEntry]) -> set[int]:
    """The seqs that these retracts say are gone."""
    ranges = [json.loads(retract.payload) for retract in retracts]
    return {seq for each in ranges for seq in range(each["from_seq"], each["to_seq"] + 1)}


def standing(messages: list[Message]) -> list[Any]:
    """The events that a client has in the end."""
    kept: dict[int, Any] = {}
    for message in messages:
        if message.event == Kind.RETRACT:
            for seq in range(message.data["from_seq"], message.data["to_seq"] + 1):
                kept.pop(seq, None)
        elif message.event == "message":
            kept[message.seq] = message.data
    return list(kept.values())
