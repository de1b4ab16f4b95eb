"""Answers given with an `Idempotency-Key`: once, however often they are sent (invariant 4)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

import apps_app.dsl as yr
from sessions_app.database import in_database
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.callers import by_token, new_token, new_user
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID
from tests.sessions_app.racing import race, under_way
from tests.sessions_app.repeating import (
    RACERS,
    ManyProcesses,
    interactions,
    reply,
    sender,
    start,
    started,
)


async def test_answer_is_recorded_once(waiting: str, client: AsgiClient) -> None:
    first, second = await reply(waiting), await reply(waiting)
    assert (first.status, second.status) == (200, 200)
    assert await first.json() == await second.json() == {"status": "received", "session_id": waiting}
    assert await interactions(waiting) == 1


async def test_answer_stays_given_when_the_session_goes_on_and_ends(app: SetApp, client: AsgiClient) -> None:
    @app
    def main() -> str:
        return yr.text_input("Who?") + yr.buttons(["a", "b"])

    session_id = await client.create(APP_ID)
    await client.messages(session_id)
    await reply(session_id)
    await client.messages(session_id)
    assert (await reply(session_id)).status == 200, "it waits for something else"
    await client.answer(session_id, "buttons-1", "a")
    await client.messages(session_id)
    assert (await reply(session_id)).status == 200, "it has ended"
    assert await (await reply(session_id, "other")).refusal() == (422, "idempotency_key_reused")
    assert await interactions(session_id) == 2


@pytest.mark.parametrize(
    "other", [("you", "input_request-1"), ("me", "input_request-2"), (["me"], "input_request-1")]
)
async def test_other_answer_under_the_same_key_is_refused(
    waiting: str, client: AsgiClient, other: tuple[Any, str]
) -> None:
    await reply(waiting)
    assert await (await reply(waiting, *other)).refusal() == (422, "idempotency_key_reused")
    assert await interactions(waiting) == 1


async def test_each_session_has_keys_of_its_own(asking: None, client: AsgiClient) -> None:
    for answer in ("one", "other"):
        session_id = await client.create(APP_ID)
        await client.messages(session_id)
        assert (await reply(session_id, answer)).status == 200


async def test_refused_answer_keeps_no_key(app: SetApp, client: AsgiClient) -> None:
    @app
    def main() -> None:
        yr.slider(0, 1, "How much?")
        yr.text_input("Why?")

    session_id = await client.create(APP_ID)
    await client.messages(session_id)
    assert await (await reply(session_id, 2, "slider-1")).refusal() == (400, "invalid_answer")
    assert await (await reply(session_id)).refusal() == (409, "not_pending")
    assert (await reply(session_id, 1, "slider-1")).status == 200
    await client.messages(session_id)
    other = sender(key="other")
    await client.post(f"/api/session/{session_id}/cancel")
    for _ in range(2):
        refused = await other.answer(session_id, "input_request-1", "me")
        assert await refused.refusal() == (409, "session_ended")


async def test_answer_that_is_still_running(waiting: str, client: AsgiClient, server: Server) -> None:
    async with under_way(server, reply(waiting)) as first:
        assert await (await reply(waiting)).refusal() == (409, "in_flight")
        unknown = "00000000-0000-0000-0000-000000000001"
        assert await (await reply(unknown)).refusal() == (404, "session_not_found")
    assert first.result().status == 200
    assert (await reply(waiting)).status == 200


async def test_equal_answers_at_once_are_recorded_once(waiting: str, client: AsgiClient) -> None:
    responses = await asyncio.gather(*[reply(waiting) for _ in range(RACERS)])
    statuses = [response.status for response in responses]
    assert 200 in statuses
    for response in responses:
        if response.status != 200:
            assert await response.refusal() == (409, "in_flight")
    await client.messages(waiting)
    assert await interactions(waiting) == 1


async def test_equal_answers_in_many_processes_are_recorded_once(
    waiting: str, client: AsgiClient, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.in_flight = ManyProcesses()
    race(server, RACERS)
    responses = await asyncio.gather(*[reply(waiting) for _ in range(RACERS)])
    assert [response.status for response in responses] == [200] * RACERS
    await client.messages(waiting)
    assert await interactions(waiting) == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_different_answers_under_one_key_in_many_processes(
    waiting: str, client: AsgiClient, server: Server
) -> None:
    """One is recorded; for the others its key is then taken."""
    server.in_flight = ManyProcesses()
    race(server, RACERS)
    responses = await asyncio.gather(*[reply(waiting, str(number)) for number in range(RACERS)])
    assert sorted(response.status for response in responses) == [200] + [422] * (RACERS - 1)
    await client.messages(waiting)
    assert await interactions(waiting) == 1


async def test_answer_without_a_key_looks_for_none(
    waiting: str, client: AsgiClient, queries: list[str]
) -> None:
    assert (await client.answer(waiting, "input_request-1", "me")).status == 200
    looks = [sql for sql in queries if sql.startswith("SELECT") and "logentry" in sql]
    assert [sql for sql in looks if "idempotency_key" in sql] == []


# Who may not see it.


async def test_known_key_tells_nothing_of_a_hidden_session(
    asking: None, client: AsgiClient, server: Server, queries: list[str]
) -> None:
    users = await in_database(lambda: [new_user(name) for name in ("ada", "bob")])
    ada, bob = await in_database(lambda: [by_token(new_token(user)) for user in users])
    session_id = await started(await start(ada))
    await AsgiClient(ada).messages(session_id)
    body = session_id, "input_request-1", "me"
    async with under_way(server, sender(ada).answer(*body)):
        assert await (await sender(bob).answer(*body)).refusal() == (404, "session_not_found")
    await AsgiClient(ada).messages(session_id)
    asked = []
    for hidden in (session_id, "00000000-0000-0000-0000-000000000001"):
        queries.clear()
        response = await sender(bob).answer(hidden, "input_request-1", "me")
        assert await response.refusal() == (404, "session_not_found")
        asked.append([*queries])
    assert asked[0] == asked[1], "else the time that it takes would tell of it"
