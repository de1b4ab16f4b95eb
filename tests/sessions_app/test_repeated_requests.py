"""Starting and answering with an `Idempotency-Key`: done once, however often it is sent (invariant 4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import apps_app.dsl as yr
from apps_app.models import App
from sessions_app.authentication import VISITOR_COOKIE
from sessions_app.database import in_database
from sessions_app.idempotency import HEADER, KeysInFlight
from sessions_app.models import Session
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient, Response
from tests.sessions_app.callers import Headers, by_token, new_token, new_user
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID, entries
from tests.sessions_app.racing import race, under_way
from tests.sessions_app.test_visitor_cookie import given

KEY = "0123456789abcdef"
START = {"app_id": APP_ID}
RACERS = 12


def sender(headers: Headers | None = None, key: str = KEY) -> AsgiClient:
    """Sends all it sends with one key."""
    return AsgiClient({HEADER: key, **(headers or {})})


def visitor(number: int) -> Headers:
    return {"Cookie": f"{VISITOR_COOKIE}={number:032x}"}


async def start(headers: Headers | None = None, key: str = KEY) -> Response:
    return await sender(headers, key).post("/api/session", START)


async def started(response: Response) -> str:
    assert response.status == 201
    return str((await response.json())["session_id"])


async def reply(session_id: str, value: Any = "me", block_id: str = "input_request-1") -> Response:
    return await sender().answer(session_id, block_id, value)


async def all_sessions() -> list[str]:
    return [str(key) for key in await in_database(list, Session.objects.values_list("id", flat=True))]


async def interactions(session_id: str) -> int:
    return [entry.kind for entry in await in_database(entries, session_id)].count("interaction")


class ManyProcesses(KeysInFlight):
    """As if each request came to another web process."""

    @contextmanager
    def claim(self, key: Hashable | None) -> Iterator[None]:
        with KeysInFlight().claim(key):
            yield


# Starting.


async def test_session_is_started_once(asking: None, client: AsgiClient) -> None:
    first, second = await start(), await start()
    assert await started(first) == await started(second)
    cookies = given(first), given(second)
    assert cookies[0] is not None
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


# Answering.


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


async def test_answer_without_a_key_costs_what_it_did(
    waiting: str, client: AsgiClient, queries: list[str]
) -> None:
    assert (await client.answer(waiting, "input_request-1", "me")).status == 200
    assert [sql for sql in queries if "logentry" in sql and "idempotency_key" in sql] == []


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
