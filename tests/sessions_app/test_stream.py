"""The stream: where it starts and ends, and what of a session's story it tells on the way."""

from __future__ import annotations

import asyncio
import threading

import pytest

import apps_app.dsl as yr
from sessions_app import log_reading
from sessions_app.database import in_database
from sessions_app.models import Session, Status
from tests.deadline import until
from tests.sessions_app.asgi_client import SECONDS, AsgiClient, is_left_alone
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID

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
