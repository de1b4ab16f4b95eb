"""Streams of a session that was ended while it waited for its user."""

from __future__ import annotations

import asyncio

import pytest

import apps_app.dsl as yr
from tests.client import Message
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID

# The log: 1 markdown, 2 prompt | 3 interaction, 4 form, 5 prompt, 6 its layout_end | 7 exit


@pytest.fixture
async def waiting(app: SetApp, client: AsgiClient) -> str:
    """A session that waits in its second turn."""

    @app
    def main() -> None:
        yr.markdown("first turn")
        yr.text_input()
        with yr.form():
            yr.text_input()

    session = await client.create(APP_ID)
    await client.messages(session)
    await client.answer(session, "input_request-1", "on")
    assert [message.seq for message in await client.messages(session)] == [4, 5, 6]
    return session


@pytest.fixture
async def cancelled(waiting: str, client: AsgiClient) -> str:
    assert (await client.post(f"/api/session/{waiting}/cancel")).status == 200
    return waiting


def seqs(messages: list[Message]) -> list[int]:
    return [message.seq for message in messages if message.event != "status"]


async def test_without_a_resume_point_the_last_turn_is_shown_up_to_the_exit(
    cancelled: str, client: AsgiClient
) -> None:
    messages = await client.messages(cancelled)
    assert seqs(messages) == [4, 5, 6, 7]
    assert messages[-1].data["data"]["exit_code"] == 130


@pytest.mark.parametrize(("after", "shown"), [(0, [1, 2]), (2, [4, 5, 6]), (4, [5, 6]), (5, [6]), (6, [7])])
async def test_from_a_resume_point_it_ends_at_the_pause(
    cancelled: str, client: AsgiClient, after: int, shown: list[int]
) -> None:
    assert seqs(await client.messages(cancelled, f"?after={after}")) == shown


@pytest.mark.parametrize("query", ["?after=3&follow=true", "?follow=true"])
async def test_follow_mode_passes_the_pause(cancelled: str, client: AsgiClient, query: str) -> None:
    assert seqs(await client.messages(cancelled, query)) == [4, 5, 6, 7]


async def test_client_that_goes_on_from_each_pause_gets_all_and_then_nothing(
    cancelled: str, client: AsgiClient
) -> None:
    """As a browser does it, that comes back with the last id it has seen."""
    story: list[int] = []
    for _ in range(3):
        story += seqs(await client.messages(cancelled, headers={"Last-Event-ID": str(max(story, default=0))}))
    assert story == [1, 2, 4, 5, 6, 7]
    async with client.stream(cancelled, headers={"Last-Event-ID": "7"}) as response:
        assert response.status == 204


@pytest.mark.parametrize("query", ["?after=6", "?after=6&follow=true"])
async def test_stream_that_is_open_when_the_session_is_cancelled_gets_its_exit(
    waiting: str, client: AsgiClient, query: str
) -> None:
    async with client.stream(waiting, query) as response:
        await client.post(f"/api/session/{waiting}/cancel")
        assert seqs([message async for message in response.messages()]) == [7]


async def test_streams_opened_while_it_is_cancelled_agree(waiting: str, client: AsgiClient) -> None:
    """Whether they come before the exit or after, they end: at the pause, or at the exit."""
    streams = [asyncio.create_task(client.messages(waiting)) for _ in range(10)]
    await client.post(f"/api/session/{waiting}/cancel")
    streams += [asyncio.create_task(client.messages(waiting)) for _ in range(10)]
    stories = [seqs(messages) for messages in await asyncio.gather(*streams)]
    assert [story for story in stories if story not in ([4, 5, 6], [4, 5, 6, 7])] == []
    assert stories[10:] == [[4, 5, 6, 7]] * 10
