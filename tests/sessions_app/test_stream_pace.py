"""What comes faster than anybody sees it is written together; what comes now and then at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from django.db import transaction

from sessions_app import event_log, stream
from sessions_app.database import in_database
from sessions_app.exits import ending, failed_exit
from sessions_app.models import Kind, Session
from sessions_app.notifications import announce, to_message
from sessions_app.stream import SessionStream, open_stream
from sessions_app.writes import Hint, NewEntry, Write
from tests.sessions_app.asgi_client import SECONDS
from tests.sessions_app.playing import ANYBODY, APP_ID

EVENTS = 40


@pytest.fixture
async def session(database: None, new_session: Callable[..., Session]) -> Session:
    return await in_database(new_session)


async def write(change: Write) -> None:
    def carry_out() -> Hint:
        with transaction.atomic():
            return event_log.apply(change)[1]

    await announce(to_message(await in_database(carry_out)))


async def chunks_of(session: Session) -> list[bytes]:
    """What a follower gets while event after event is written: the chunks that hold some."""
    followed = await open_stream(ANYBODY, session.id, 0, follow=True)
    assert followed is not None
    reading = asyncio.create_task(read_all(followed))
    for _ in range(EVENTS):
        await write(Write(session.id, {}, [NewEntry(Kind.EVENT, b"{}")]))
    await write(ending(session.id, {}, failed_exit(APP_ID, "E", "over")))
    chunks = await asyncio.wait_for(reading, SECONDS)
    seqs = [int(line[4:]) for line in b"".join(chunks).splitlines() if line.startswith(b"id: ")]
    assert seqs == list(range(1, EVENTS + 2))
    return [chunk for chunk in chunks if b"id: " in chunk]


async def read_all(followed: SessionStream) -> list[bytes]:
    return [chunk async for chunk in followed]


async def test_flood_is_written_together(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "WRITES_PER_SECOND", 2)
    monkeypatch.setattr(stream, "BURST_WRITES", 3)
    assert len(await chunks_of(session)) < EVENTS / 2


async def test_burst_is_written_at_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "WRITES_PER_SECOND", 0.001)
    monkeypatch.setattr(stream, "BURST_WRITES", EVENTS + 5)
    await chunks_of(session)  # in less than the quarter of an hour that one write more would wait


async def test_each_turn_begins_anew(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there were before, and however quickly: nobody waits for their answer."""
    monkeypatch.setattr(stream, "WRITES_PER_SECOND", 0.001)
    monkeypatch.setattr(stream, "BURST_WRITES", 3)
    followed = await open_stream(ANYBODY, session.id, 0, follow=True)
    assert followed is not None
    async with asyncio.timeout(SECONDS):
        for turn in range(10):
            for kind, status in ((Kind.INTERACTION, "running"), (Kind.EVENT, None), (Kind.EVENT, "waiting")):
                changes = {"status": status} if status else {}
                await write(Write(session.id, {}, [NewEntry(kind, b"{}")], changes))
            shown = b""
            while f"id: {3 * turn + 3}\n".encode() not in shown:
                shown += await anext(followed)
    followed.close()
