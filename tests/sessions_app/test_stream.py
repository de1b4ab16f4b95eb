"""The stream: where it starts and ends, and one story whatever becomes of the hints (invariants 3 and 7)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.db import transaction

import apps_app.dsl as yr
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
from tests.deadline import until
from tests.sessions_app.asgi_client import SECONDS, AsgiClient
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import ANYBODY, APP_ID

NewSession = Callable[..., Session]

# Where streams start and end. The log of two turns and an exit:
# 1 markdown, 2 prompt | 3 interaction, 4 markdown, 5 prompt | 6 interaction, 7 exit


@pytest.fixture
async def in_second_turn(app: SetApp, client: AsgiClient) -> str:
    """A session that waits at its second question."""

    @app
    def main() -> None:
        for number in (1, 2):
            yr.markdown(f"turn {number}")
            yr.text_input()

    session = await client.create(APP_ID)
    await client.messages(session)
    await client.answer(session, "input_request-1", "on")
    await client.messages(session)
    return session


@pytest.fixture
async def ended(in_second_turn: str, client: AsgiClient) -> str:
    """The same, when it has ended."""
    await client.answer(in_second_turn, "input_request-2", "on")
    await client.messages(in_second_turn)
    return in_second_turn


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("", [4, 5]),
        ("?after=0", [1, 2]),
        ("?after=1", [2]),
        ("?after=2", [4, 5]),
        ("?after=3", [4, 5]),
        ("?after=4", [5]),
        ("?after=-1", [1, 2]),
        ("?after=soon", [1, 2]),
        ("?after=", [1, 2]),
        ("?after=0&follow=false", [1, 2]),
    ],
)
async def test_turn_mode_gives_events_up_to_the_next_pause(
    in_second_turn: str, client: AsgiClient, query: str, seqs: list[int]
) -> None:
    messages = await client.messages(in_second_turn, query)
    assert [(message.event, message.seq) for message in messages] == [("message", seq) for seq in seqs]


async def test_header_wins_over_the_query(in_second_turn: str, client: AsgiClient) -> None:
    messages = await client.messages(in_second_turn, "?after=4", {"Last-Event-ID": "1"})
    assert [message.seq for message in messages] == [2]


@pytest.mark.parametrize("after", [5, 6, 10**40])
@pytest.mark.parametrize("mode", ["", "&follow=true"])
async def test_stream_from_the_end_gives_what_comes(
    in_second_turn: str, client: AsgiClient, after: int, mode: str
) -> None:
    async with client.stream(in_second_turn, f"?after={after}{mode}") as response:
        assert response.status == 200
        await client.answer(in_second_turn, "input_request-2", "on")
        seqs = [message.seq async for message in response.messages() if message.seq]
    assert seqs == ([6, 7] if mode else [7])


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("", [7]),
        ("?after=0", [1, 2]),
        ("?after=3", [4, 5]),
        ("?after=5", [7]),
        ("?after=6", [7]),
        ("?follow=true", [7]),
        ("?after=0&follow=true", [1, 2, 3, 4, 5, 6, 7]),
        ("?after=3&follow=true", [4, 5, 6, 7]),
        ("?after=6&follow=true", [7]),
    ],
)
async def test_stream_of_an_ended_session_ends(
    ended: str, client: AsgiClient, query: str, seqs: list[int]
) -> None:
    messages = await client.messages(ended, query)
    assert [message.seq for message in messages if message.event != "status"] == seqs


@pytest.mark.parametrize("query", ["?after=7", "?after=8", "?after=7&follow=true", f"?after={10**40}"])
async def test_stream_from_the_exit_is_204(ended: str, client: AsgiClient, query: str) -> None:
    response = await client.call("GET", f"/api/session/{ended}/stream{query}")
    assert (response.status, await response.read()) == (204, b"")
    assert await is_left_alone()


async def is_left_alone() -> bool:
    """No session's group is joined any more."""
    return await asyncio.to_thread(until, lambda: not get_channel_layer().groups)


async def test_follow_mode_shows_answers_too(ended: str, client: AsgiClient) -> None:
    messages = await client.messages(ended, "?after=2&follow=true")
    shown = [message for message in messages if message.event != "status"]
    assert [message.event for message in shown] == [
        "interaction",
        "message",
        "message",
        "interaction",
        "message",
    ]
    assert shown[0].data == {"blockId": "input_request-1", "value": "on", "blockType": "text"}


async def test_last_turn_of_an_ended_session_may_hold_a_pause(
    in_second_turn: str, client: AsgiClient
) -> None:
    """It was cancelled at its question: without a resume point its last turn is shown to the end."""
    await client.post(f"/api/session/{in_second_turn}/cancel")
    assert [message.seq for message in await client.messages(in_second_turn)] == [4, 5, 6]
    assert [message.seq for message in await client.messages(in_second_turn, "?after=3")] == [4, 5]


async def test_any_number_of_streams_sees_the_same(ended: str, client: AsgiClient) -> None:
    stories = [client.messages(ended, "?after=0&follow=true") for _ in range(10)]
    first, *others = await asyncio.gather(*stories)
    assert others == [first] * 9


async def test_long_log_is_streamed_in_pieces(
    ended: str, client: AsgiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reading, "READ_ENTRIES", 2)
    messages = await client.messages(ended, "?after=0&follow=true")
    assert [message.seq for message in messages if message.seq] == [1, 2, 3, 4, 5, 6, 7]


# Status messages.


async def test_status_is_told_at_the_start_and_at_each_change(app: SetApp, client: AsgiClient) -> None:
    may_show = threading.Event()

    @app
    def main() -> None:
        assert may_show.wait(SECONDS)
        yr.markdown("shown")
        yr.text_input()

    session = await client.create(APP_ID)
    assert await in_database(until, Session.objects.filter(status=Status.RUNNING).exists)
    async with client.stream(session, "?follow=true") as response:
        messages = response.messages()
        first = await anext(messages)
        may_show.set()
        story = [first]
        async for message in messages:
            story.append(message)
            if message.event == "status" and message.data["status"] == "waiting":
                await client.answer(session, "input_request-1", "on")
    assert [message.seq or message.data["status"] for message in story] == [
        "running",
        1,
        2,
        "waiting",
        3,
        "running",
        4,
    ]
    assert story[3].data == {
        "status": "waiting",
        "pending": [{"block_id": "input_request-1", "block_type": "input_request"}],
        "divergence": None,
    }
    assert story[5].data["pending"] == []


async def test_status_is_not_told_in_turn_mode(in_second_turn: str, client: AsgiClient) -> None:
    messages = await client.messages(in_second_turn, "?after=0")
    assert {message.event for message in messages} == {"message"}


# An idle stream, and one that is left.


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
