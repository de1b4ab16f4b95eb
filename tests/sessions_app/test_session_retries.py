"""What can be done with a session whose app no longer does what its log says: retry it, end it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import apps_app.dsl as yr
from sessions_app import lifecycle
from sessions_app.database import in_database
from sessions_app.models import Session, Status
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient, Response
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import ANYBODY, APP_ID
from tests.sessions_app.racing import race

DIVERGENCE = {"seq": 1, "recorded": "markdown-1", "attempted": "table-1"}


@pytest.fixture
async def diverged(asking: None, server: Server, new_session: Callable[..., Session]) -> str:
    session = await in_database(new_session, status=Status.DIVERGED, divergence=DIVERGENCE, failure="x")
    return str(session.id)


async def retry(client: AsgiClient, session_id: str) -> Response:
    return await client.post(f"/api/session/{session_id}/retry")


async def comes_to(client: AsgiClient, session_id: str, status: str) -> bool:
    """Whether a follower of the session comes to see this status."""
    async with client.stream(session_id, "?follow=true") as stream:
        async for message in stream.messages():
            if message.event == "status" and message.data["status"] == status:
                return True
    return False


async def test_retried_session_is_to_be_played_again(diverged: str, client: AsgiClient) -> None:
    async with client.stream(diverged, "?follow=true") as stream:
        messages = stream.messages()
        assert (await anext(messages)).data == {"status": "diverged", "pending": [], "divergence": DIVERGENCE}
        response = await retry(client, diverged)
        assert response.status == 200
        assert (await anext(messages)).data == {"status": "running", "pending": [], "divergence": None}
    state = await response.json()
    assert (state["session_id"], state["divergence"]) == (diverged, None)
    session = await lifecycle.find_session(ANYBODY, diverged)
    assert (session.status != Status.DIVERGED, session.failure) == (True, "")


async def test_mended_app_goes_on(app: SetApp, client: AsgiClient) -> None:
    """Played, changed and answered, so that it diverges; changed back and retried, so that it goes on."""

    def write(show: Callable[[], Any]) -> None:
        @app
        def main() -> str:
            show()
            return f"{yr.text_input('Who?')} {yr.text_input('And?')}"

    write(lambda: yr.markdown("Well?"))
    source = await client.create(APP_ID)
    await client.messages(source)
    await client.answer(source, "input_request-1", "Ada")
    await client.messages(source)
    write(lambda: yr.table([["Well?"]]))
    forked = await (await client.post(f"/api/session/{source}/fork", {"after": 3})).json()
    session_id = forked["session_id"]
    assert await comes_to(client, session_id, "diverged")
    divergence = (await (await client.get(f"/api/session/{session_id}")).json())["divergence"]
    assert (divergence["seq"], divergence["recorded"]["block_type"]) == (1, "markdown")
    assert (await retry(client, session_id)).status == 200
    assert await comes_to(client, session_id, "diverged")
    write(lambda: yr.markdown("Well?"))
    assert (await retry(client, session_id)).status == 200
    assert (await client.messages(session_id))[-1].data["block_id"] == "input_request-2"
    await client.answer(session_id, "input_request-2", "Bob")
    assert (await client.messages(session_id))[-1].data["data"]["return_value"] == "Ada Bob"


async def test_of_racing_retries_one_wins(diverged: str, client: AsgiClient, server: Server) -> None:
    race(server, 3)
    responses = await asyncio.gather(*[retry(client, diverged) for _ in range(3)])
    assert sorted(response.status for response in responses) == [200, 409, 409]


async def test_session_that_has_not_diverged_is_left_alone(waiting: str, client: AsgiClient) -> None:
    before = await in_database(Session.objects.filter(id=waiting).values().get)
    assert await (await retry(client, waiting)).refusal() == (409, "not_diverged")
    assert await in_database(Session.objects.filter(id=waiting).values().get) == before


async def test_diverged_session_can_be_ended(diverged: str, client: AsgiClient) -> None:
    response = await client.post(f"/api/session/{diverged}/cancel")
    assert (await response.json())["status"] == "cancelled"
    assert [m.data["block_type"] for m in await client.messages(diverged)] == ["exit"]
    assert await (await retry(client, diverged)).refusal() == (409, "not_diverged")


async def test_diverged_session_takes_no_answer(diverged: str, client: AsgiClient) -> None:
    response = await client.answer(diverged, "input_request-1", "x")
    assert await response.refusal() == (409, "not_pending")
