"""What a cut-off step had shown is taken back: who has seen it is told, who has not is spared it.

The log: 1 markdown | 2, 3 shown by a step that was cut off | 4 retract | 5, 6 the step again, 7 its result |
8 markdown, 9 exit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection, transaction

from sessions_app import event_log, log_reading
from sessions_app.database import in_database
from sessions_app.exits import ending, failed_exit
from sessions_app.frames import Retract
from sessions_app.models import Kind, Session, Status
from sessions_app.notifications import announce, to_message
from sessions_app.stream import SessionStream, open_stream
from sessions_app.writes import Hint, NewEntry, Write
from tests.client import Message, read_messages
from tests.sessions_app.asgi_client import SECONDS
from tests.sessions_app.playing import ANYBODY, APP_ID

pytestmark = pytest.mark.usefixtures("database")
NewSession = Callable[..., Session]

SHOWN = NewEntry(Kind.EVENT, b'{"block_type":"markdown"}')
IN_STEP = replace(SHOWN, step="0.1")
BEFORE = [SHOWN, IN_STEP, IN_STEP]
AGAIN = [
    NewEntry(Kind.RETRACT, Retract.payload(range(2, 4))),
    IN_STEP,
    IN_STEP,
    NewEntry(Kind.STEP, b"{}", "0.1"),
    SHOWN,
]


async def write(session: Session, entries: list[NewEntry]) -> Hint:
    def apply() -> Hint:
        with transaction.atomic():
            return event_log.apply(Write(session.id, {}, entries))[1]

    return await in_database(apply)


async def end(session: Session) -> Hint:
    def apply() -> Hint:
        with transaction.atomic():
            return event_log.apply(ending(session.id, {}, failed_exit(APP_ID, "E", "over")))[1]

    return await in_database(apply)


@pytest.fixture
async def session(database: None, new_session: NewSession) -> Session:
    return await in_database(new_session, status=Status.RUNNING)


@pytest.fixture
async def ended(session: Session) -> Session:
    for entries in (BEFORE, AGAIN):
        await write(session, entries)
    await end(session)
    return session


async def opened(session: Session, after: int | None, *, follow: bool = True) -> SessionStream:
    stream = await open_stream(ANYBODY, session.id, after, follow=follow)
    assert stream is not None
    return stream


async def rest(stream: SessionStream) -> list[Message]:
    """What is still to come that has an id."""
    async with asyncio.timeout(SECONDS):
        data = b"".join([part async for part in stream])
    return [message for message in read_messages(iter(data.decode().splitlines())) if message.seq]


def seqs(messages: list[Message]) -> list[int]:
    return [message.seq for message in messages]


@pytest.mark.parametrize(
    ("after", "expected"),
    [(0, [1, 5, 6, 8, 9]), (1, [5, 6, 8, 9]), (2, [4, 5, 6, 8, 9]), (3, [4, 5, 6, 8, 9]), (4, [5, 6, 8, 9])],
)
@pytest.mark.parametrize("read_entries", [1, 2, 1000])
async def test_reader_of_the_log(
    ended: Session, monkeypatch: pytest.MonkeyPatch, after: int, expected: list[int], read_entries: int
) -> None:
    """Whoever may have seen some of it before is told."""
    monkeypatch.setattr(log_reading, "READ_ENTRIES", read_entries)
    messages = await rest(await opened(ended, after))
    assert seqs(messages) == expected
    for message in messages:
        assert (message.event == "retract") == (message.seq == 4)
        assert message.event != "retract" or message.data == {"from_seq": 2, "to_seq": 3}


@pytest.mark.parametrize(
    ("after", "expected"), [(None, [1, 5, 6, 8, 9]), (0, [1, 5, 6, 8, 9]), (2, [5, 6, 8, 9])]
)
async def test_turn_mode_gets_no_retract(ended: Session, after: int | None, expected: list[int]) -> None:
    assert seqs(await rest(await opened(ended, after, follow=False))) == expected


async def test_whoever_has_seen_it_is_told(session: Session) -> None:
    await write(session, BEFORE)
    stream = await opened(session, 0)
    await anext(stream)
    for hint in (await write(session, AGAIN), await end(session)):
        await announce(to_message(hint))
    assert seqs(await rest(stream)) == [4, 5, 6, 8, 9]


async def test_whoever_has_seen_it_is_told_by_the_log_too(session: Session) -> None:
    """No hint came."""
    await write(session, BEFORE)
    stream = await opened(session, 0)
    await anext(stream)
    await write(session, AGAIN)
    await announce(to_message(await end(session)))
    assert seqs(await rest(stream)) == [4, 5, 6, 8, 9]


async def test_whoever_has_seen_some_of_it_is_told(session: Session) -> None:
    await write(session, BEFORE[:2])
    stream = await opened(session, 0)
    assert b"id: 2" in await anext(stream)
    await write(session, BEFORE[2:])
    await write(session, AGAIN)
    await announce(to_message(await end(session)))
    assert seqs(await rest(stream)) == [4, 5, 6, 8, 9]


async def test_hints_show_it_and_take_it_back(session: Session) -> None:
    stream = await opened(session, 0)
    for hint in (await write(session, BEFORE), await write(session, AGAIN), await end(session)):
        await announce(to_message(hint))
    assert seqs(await rest(stream)) == [1, 2, 3, 4, 5, 6, 8, 9]


async def test_reading_to_the_end_needs_not_ask_for_retracts(ended: Session, queries: list[str]) -> None:
    await rest(await opened(ended, 0))
    assert not [query for query in queries if f"kind = '{Kind.RETRACT}'" in query]


async def test_longer_session_without_retracts_asks_its_index_alone(
    ended: Session, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reading, "READ_ENTRIES", 1)
    await rest(await opened(ended, 0))
    (sql,) = {query for query in queries if f"kind = '{Kind.RETRACT}'" in query}

    def explained() -> str:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", ["0" * 32, 0])
            return str(cursor.fetchall())

    if connection.vendor == "sqlite":
        assert "log_entry_retracts" in await in_database(explained)
