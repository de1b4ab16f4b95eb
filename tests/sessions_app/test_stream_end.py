"""A stream that stands idle: its heartbeat, and what ends it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.db import transaction

from sessions_app import event_log, log_reading
from sessions_app.database import in_database
from sessions_app.exceptions import SessionNotFound
from sessions_app.exits import cancellation
from sessions_app.frames import HEARTBEAT
from sessions_app.models import Kind, Session, Status
from sessions_app.notifications import announce, to_message
from sessions_app.server import begin_shutdown
from sessions_app.stream import SessionStream, open_stream
from sessions_app.writes import Hint, NewEntry, Removal, Write
from tests.sessions_app.asgi_client import SECONDS, is_left_alone
from tests.sessions_app.playing import ANYBODY, APP_ID

NewSession = Callable[..., Session]


@pytest.fixture
async def silent(database: None, new_session: NewSession) -> Session:
    """A session that waits, and nobody answers it."""
    return await in_database(new_session, status=Status.WAITING)


@pytest.fixture
async def stream(silent: Session) -> AsyncIterator[SessionStream]:
    stream = await open_stream(ANYBODY, silent.id, 0, follow=False)
    assert stream is not None
    assert await anext(stream) == HEARTBEAT, "the first byte comes at once"
    yield stream
    stream.close()


async def test_idle_stream_gets_a_heartbeat(settings: Any, stream: SessionStream) -> None:
    settings.YERA_HEARTBEAT_SECONDS = 0.01
    async with asyncio.timeout(SECONDS):
        assert [await anext(stream) for _ in range(3)] == [HEARTBEAT] * 3


async def test_close_from_another_thread_ends_a_stream_that_waits(stream: SessionStream) -> None:
    waiting = asyncio.ensure_future(anext(stream, b"the end"))
    await asyncio.sleep(0)
    thread = threading.Thread(target=stream.close)
    thread.start()
    async with asyncio.timeout(SECONDS / 2):
        assert await waiting == b"the end"
    thread.join()
    stream.close()
    assert await is_left_alone()


async def test_server_that_stops_sends_every_client_away(stream: SessionStream, silent: Session) -> None:
    begin_shutdown()
    assert (await anext(stream)).startswith(b"retry: ")
    assert await anext(stream, b"the end") == b"the end"
    late = await open_stream(ANYBODY, silent.id, 0, follow=False)
    assert late is not None
    chunks = [chunk async for chunk in late]
    assert chunks[-1].startswith(b"retry: ")


async def test_stream_of_a_deleted_session_ends(stream: SessionStream, silent: Session) -> None:
    await in_database(Session.objects.filter(id=silent.id).delete)
    await announce(to_message(Hint(silent.id, 5, 6)))
    async with asyncio.timeout(SECONDS):
        assert await anext(stream, b"the end") == b"the end"


async def test_unknown_session_leaves_no_group(database: None, silent: Session) -> None:
    await in_database(Session.objects.filter(id=silent.id).delete)
    with pytest.raises(SessionNotFound):
        await open_stream(ANYBODY, silent.id, 0, follow=False)
    assert get_channel_layer().groups == {}


async def test_cancelled_session_ends_its_streams(
    database: None, new_session: NewSession, stream: SessionStream, silent: Session
) -> None:
    def cancel() -> Hint:
        with transaction.atomic():
            return event_log.apply(cancellation(silent.id, APP_ID))[1]

    await announce(to_message(await in_database(cancel)))
    async with asyncio.timeout(SECONDS):
        assert b'"exit_code":130' in await anext(stream)
        assert await anext(stream, b"the end") == b"the end"


@pytest.mark.parametrize("follow", [True, False])
async def test_stream_of_a_log_that_is_being_removed_ends(
    database: None, new_session: NewSession, follow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its beginning is gone, and more is left than one reading holds."""
    session = await in_database(new_session, status=Status.WAITING)

    def remove_beginning() -> None:
        with transaction.atomic():
            event_log.apply(Write(session.id, {}, [NewEntry(Kind.EVENT, b"{}")] * 9))
            event_log.remove(Removal(session.id))

    monkeypatch.setattr(event_log, "REMOVED_ENTRIES", 3)
    monkeypatch.setattr(log_reading, "READ_ENTRIES", 2)
    await in_database(remove_beginning)
    stream = await open_stream(ANYBODY, session.id, 0, follow=follow)
    assert stream is not None
    async with asyncio.timeout(SECONDS):
        assert b"id:" not in b"".join([part async for part in stream])
    stream.close()
