"""Renaming and deleting a session."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from channels.layers import get_channel_layer

import apps_app.dsl as yr
from sessions_app.database import in_database
from sessions_app.models import LogEntry, PrintedText, Session
from tests.deadline import until
from tests.sessions_app.asgi_client import SECONDS, AsgiClient
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID
from tests.sessions_app.runners import running

# Renaming.


async def rename(client: AsgiClient, session: str, title: Any) -> Any:
    return await client.send("PATCH", f"/api/session/{session}", {"title": title})


@pytest.mark.parametrize("title", ["My trip", "", "x" * 255, "\xe9 \U0001f600 <b>"])
async def test_rename(waiting: str, client: AsgiClient, title: str) -> None:
    before = await (await client.get(f"/api/session/{waiting}")).json()
    response = await rename(client, waiting, title)
    body = await response.json()
    assert (response.status, body["title"]) == (200, title)
    assert body == await (await client.get(f"/api/session/{waiting}")).json()
    assert datetime.fromisoformat(body.pop("updated_at")) >= datetime.fromisoformat(before.pop("updated_at"))
    assert body == {**before, "title": title}, "nothing else changes"


@pytest.mark.parametrize("title", [None, 1, ["a"], "x" * 256, "a\0"])
async def test_title_that_is_refused(waiting: str, client: AsgiClient, title: Any) -> None:
    response = await rename(client, waiting, title)
    assert (response.status, list((await response.json())["errors"])) == (400, ["title"])


async def test_session_goes_on_while_it_is_renamed(waiting: str, client: AsgiClient) -> None:
    await rename(client, waiting, "first")
    await client.answer(waiting, "input_request-1", "x")
    assert (await client.messages(waiting))[-1].data["data"]["return_value"] == "x"
    body = await (await rename(client, waiting, "second")).json()
    assert (body["title"], body["status"], body["last_seq"]) == ("second", "finished", 3)


# Deleting.


async def delete(client: AsgiClient, session: str) -> tuple[int, bytes]:
    response = await client.call("DELETE", f"/api/session/{session}")
    return response.status, await response.read()


async def test_deleted_session_is_gone_with_its_log(waiting: str, client: AsgiClient) -> None:
    await in_database(
        PrintedText.objects.create, session_id=waiting, text="printed", updated_at=datetime.now().astimezone()
    )
    assert await delete(client, waiting) == (204, b"")
    for model in (Session, LogEntry, PrintedText):
        assert not await in_database(model._default_manager.exists)
    path = f"/api/session/{waiting}"
    for response in (
        await client.get(path),
        await client.get(f"{path}/stream"),
        await client.get(f"{path}/events"),
        await client.answer(waiting, "input_request-1", "x"),
        await client.post(f"{path}/cancel"),
        await rename(client, waiting, "x"),
        await client.call("DELETE", path),
    ):
        assert await response.refusal() == (404, "session_not_found")


async def test_other_sessions_stay(waiting: str, client: AsgiClient) -> None:
    other = await client.create(APP_ID)
    await client.messages(other)
    await delete(client, waiting)
    await client.answer(other, "input_request-1", "x")
    assert (await client.messages(other))[-1].data["data"]["return_value"] == "x"


async def test_deleting_ends_the_streams(waiting: str, client: AsgiClient) -> None:
    async with (
        client.stream(waiting, "?after=1") as in_turn_mode,
        client.stream(waiting, "?after=0&follow=true") as in_follow_mode,
    ):
        await delete(client, waiting)
        turn = [message async for message in in_turn_mode.messages()]
        story = [message async for message in in_follow_mode.messages()]
    assert [message.data["data"]["exit_code"] for message in turn] == [130]
    assert [message.seq for message in story if message.seq] == [1, 2]
    assert story[-1] == turn[-1], "both are told of the exit"
    assert await asyncio.to_thread(until, lambda: not get_channel_layer().groups)


async def test_deleting_halts_what_runs(app: SetApp, client: AsgiClient) -> None:
    shown = threading.Event()

    @app
    def main() -> None:
        while True:
            yr.markdown("on and on")
            shown.set()

    session = await client.create(APP_ID)
    assert await asyncio.to_thread(shown.wait, SECONDS)
    loop = asyncio.get_running_loop()
    assert running(loop)
    assert await delete(client, session) == (204, b"")
    assert await asyncio.to_thread(until, lambda: not running(loop))
    assert not await in_database(LogEntry.objects.exists), "nothing was written after it"


async def test_ended_session_is_deleted_too(waiting: str, client: AsgiClient) -> None:
    await client.post(f"/api/session/{waiting}/cancel")
    assert await delete(client, waiting) == (204, b"")


async def test_two_who_delete_at_once(waiting: str, client: AsgiClient) -> None:
    outcomes = await asyncio.gather(*[delete(client, waiting) for _ in range(5)])
    assert sorted(status for status, _ in outcomes) == [204, 404, 404, 404, 404]


async def test_fork_of_a_deleted_session_stays(
    waiting: str, client: AsgiClient, new_session: Callable[..., Session]
) -> None:
    fork = await in_database(new_session, forked_from_id=waiting)
    path = f"/api/session/{fork.id}"
    assert (await (await client.get(path)).json())["forked_from"] == waiting
    await delete(client, waiting)
    response = await client.get(path)
    assert (response.status, (await response.json())["forked_from"]) == (200, None)
