"""Sessions started with an `Idempotency-Key`: once, however often it is sent."""

from __future__ import annotations

import asyncio
import logging

import pytest

from apps_app.models import App
from sessions_app.authentication import VISITOR_COOKIE
from sessions_app.database import in_database
from sessions_app.idempotency import HEADER
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.callers import Headers, by_token, new_token, new_user
from tests.sessions_app.playing import APP_ID
from tests.sessions_app.racing import race, under_way
from tests.sessions_app.repeating import (
    KEY,
    RACERS,
    ManyProcesses,
    all_sessions,
    sender,
    start,
    started,
    visitor,
)
from tests.sessions_app.test_visitor_cookie import given


async def test_session_is_started_once(asking: None, client: AsgiClient) -> None:
    first, second = await start(), await start()
    assert await started(first) == await started(second)
    cookies = [cookie and cookie.value for cookie in (given(first), given(second))]
    assert cookies[0]
    assert cookies[0] == cookies[1], "it is theirs, whichever of the answers they get"
    assert len(await all_sessions()) == 1


@pytest.mark.parametrize("key", [KEY, "short"])
async def test_visitors_session_is_started_once(asking: None, client: AsgiClient, key: str) -> None:
    assert await started(await start(visitor(1), key)) == await started(await start(visitor(1), key))


async def test_cookie_may_come_with_an_answer_whose_rest_is_lost(asking: None, client: AsgiClient) -> None:
    first = await start()
    cookie = given(first)
    assert cookie is not None
    second = await start({"Cookie": f"{VISITOR_COOKIE}={cookie.value}"})
    assert given(second) is None
    sessions = [await started(response) for response in (first, second, await start(visitor(2)))]
    assert sessions[0] == sessions[1] != sessions[2]


async def test_key_is_its_callers(asking: None, client: AsgiClient) -> None:
    def users() -> list[Headers]:
        return [by_token(new_token(new_user(name))) for name in ("ada", "bob")]

    callers = [{}, visitor(1), visitor(2), *await in_database(users)]
    sessions = [await started(await start(headers)) for headers in callers]
    assert len(set(sessions)) == len(callers)
    assert [await started(await start(headers)) for headers in callers] == sessions


@pytest.mark.parametrize("app_id", ["other.app", "no.such.app"])
async def test_other_app_under_the_same_key_is_refused(asking: None, client: AsgiClient, app_id: str) -> None:
    await in_database(App.objects.create, id="other.app", name="other", entry_point="other:app")
    await start()
    response = await sender().post("/api/session", {"app_id": app_id})
    assert await response.refusal() == (422, "idempotency_key_reused")
    assert len(await all_sessions()) == 1


async def test_first_answer_is_given_although_the_app_is_gone(asking: None, client: AsgiClient) -> None:
    first = await start()
    await in_database(App.objects.update, active=False)
    assert await started(await start()) == await started(first)


async def test_refused_start_keeps_no_key(asking: None, client: AsgiClient) -> None:
    await in_database(App.objects.update, active=False)
    assert await (await start()).refusal() == (404, "app_not_found")
    await in_database(App.objects.update, active=True)
    await started(await start())


async def test_deleted_session_takes_its_key_along(asking: None, client: AsgiClient) -> None:
    first = await started(await start())
    assert (await client.call("DELETE", f"/api/session/{first}")).status == 204
    assert await started(await start()) != first


async def test_caller_who_is_nobody_needs_a_long_key(asking: None, client: AsgiClient) -> None:
    response = await start(key="x" * 15)
    assert (response.status, (await response.json())["errors"].keys()) == (400, {HEADER})
    assert await all_sessions() == []
    await started(await start(key="x" * 16))


async def test_start_that_is_still_running(asking: None, client: AsgiClient, server: Server) -> None:
    async with under_way(server, start()) as first:
        assert await (await start()).refusal() == (409, "in_flight")
        other = asyncio.create_task(start(visitor(1)))
    session = await started(first.result())
    assert await started(await start()) == session
    assert await started(await other) != session


async def test_equal_starts_at_once_make_one_session(asking: None, client: AsgiClient) -> None:
    responses = await asyncio.gather(*[start() for _ in range(RACERS)])
    (session,) = await all_sessions()
    for response in responses:
        if response.status == 201:
            assert await started(response) == session
        else:
            assert await response.refusal() == (409, "in_flight")
    assert await started(await start()) == session


async def test_equal_starts_in_many_processes_make_one_session(
    asking: None, client: AsgiClient, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.in_flight = ManyProcesses()
    race(server, RACERS)
    responses = await asyncio.gather(*[start() for _ in range(RACERS)])
    assert {await started(response) for response in responses} == set(await all_sessions())
    assert len(await all_sessions()) == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_start_without_a_key_costs_what_it_did(
    asking: None, client: AsgiClient, queries: list[str]
) -> None:
    await client.create(APP_ID)
    inserted = next(number for number, sql in enumerate(queries) if sql.startswith("INSERT"))
    verbs = [sql.partition(" ")[0] for sql in queries[:inserted] if not sql.startswith("PRAGMA")]
    assert verbs.count("SELECT") == 1, "of the app"
    assert "SAVEPOINT" not in verbs
