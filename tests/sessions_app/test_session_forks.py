"""Forking a session through the API."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.utils import timezone

import apps_app.dsl as yr
from apps_app.models import App
from sessions_app import lifecycle
from sessions_app.authentication import VISITOR_COOKIE
from sessions_app.database import in_database
from sessions_app.models import LogEntry, Session, Status
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient, Response
from tests.sessions_app.callers import by_token, new_token, new_user
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import ANYBODY, APP_ID, entries

NAME, CITY, SIZE = "input_request-1", "input_request-2", "buttons-1"


@pytest.fixture
def asking_twice(app: SetApp) -> None:
    @app
    def main() -> str:
        name = yr.text_input("Who?")
        yr.markdown(f"Hello, {name}")
        with yr.form() as form:
            yr.text_input("City")
            yr.buttons(["small", "large"])
        return f"{name} {form.result()}"


@pytest.fixture
async def source(asking_twice: None, client: AsgiClient) -> str:
    """A session that has come to its end.

    Its log: 1 asks, 2 is answered, 3 greets, 4 to 7 are the form, 8 and 9 its answers, 10 the exit.
    """
    session_id = await client.create(APP_ID)
    for answers in ({NAME: "Ada"}, {CITY: "Rome", SIZE: "large"}):
        await client.messages(session_id)
        for block_id, value in answers.items():
            await client.answer(session_id, block_id, value)
    await client.messages(session_id)
    session = await lifecycle.find_session(ANYBODY, session_id)
    assert (session.status, session.last_seq) == (Status.FINISHED, 10)
    return session_id


async def fork(client: AsgiClient, source: str, after: Any) -> Response:
    return await client.post(f"/api/session/{source}/fork", {"after": after})


async def forked(client: AsgiClient, source: str, after: int) -> Session:
    response = await fork(client, source, after)
    assert response.status == 201
    return await lifecycle.find_session(ANYBODY, (await response.json())["session_id"])


async def returned(client: AsgiClient, session: Session) -> Any:
    return (await client.messages(str(session.id)))[-1].data["data"]["return_value"]


async def test_fork_at_the_beginning_is_a_fresh_session(source: str, client: AsgiClient) -> None:
    session = await forked(client, source, 0)
    messages = await client.messages(str(session.id))
    assert [message.data["block_id"] for message in messages] == [NAME]
    session = await lifecycle.find_session(ANYBODY, str(session.id))
    assert (session.status, session.last_seq, str(session.forked_from_id)) == (Status.WAITING, 1, source)


@pytest.mark.parametrize(
    ("after", "pending", "turn_seq"),
    [(1, [NAME], 0), (7, [CITY, SIZE], 2), (8, [SIZE], 8)],
)
async def test_fork_where_it_waited_waits(
    source: str, client: AsgiClient, after: int, pending: list[str], turn_seq: int
) -> None:
    await in_database(Session.objects.filter(id=source).update, code_hash="c" * 64)
    session = await forked(client, source, after)
    assert (session.status, session.owner, session.wake_at) == (Status.WAITING, "", None)
    assert [prompt["block_id"] for prompt in session.pending] == pending
    assert (session.last_seq, session.turn_seq, session.code_hash) == (after, turn_seq, "c" * 64)
    copied = await in_database(entries, session.id)
    assert copied == (await in_database(entries, source))[:after]
    state = await (await client.get(f"/api/session/{session.id}")).json()
    assert (state["forked_from"], state["exit"]) == (source, None)


async def test_fork_has_the_time_limits_of_a_new_session(
    source: str, client: AsgiClient, app_row: App
) -> None:
    await in_database(App.objects.update, max_wait_seconds=60, max_life_seconds=3600)
    begun = timezone.now()
    waiting, fresh = [await forked(client, source, after) for after in (1, 0)]
    for session in (waiting, fresh):
        assert session.life_ends_at is not None
        assert session.life_ends_at >= begun + datetime.timedelta(hours=1)
    assert waiting.wait_ends_at is not None
    assert waiting.wait_ends_at >= begun + datetime.timedelta(seconds=60)


async def test_fork_is_answered_and_judged_as_its_source(source: str, client: AsgiClient) -> None:
    session = await forked(client, source, 7)
    fields = [{"sub_block_id": SIZE, "sub_block_type": "buttons", "value": "huge"}]
    refused = await client.answer(str(session.id), "form-1", fields, "form")
    assert await refused.refusal() == (400, "invalid_answer")
    assert (await client.answer(str(session.id), CITY, "Oslo")).status == 200
    session = await lifecycle.find_session(ANYBODY, str(session.id))
    assert [prompt["block_id"] for prompt in session.pending] == [SIZE]
    assert len(await in_database(entries, source)) == 10


@pytest.mark.parametrize("after", [2, 9])
async def test_fork_at_the_last_answer_is_to_be_played_on(
    source: str, client: AsgiClient, server: Server, after: int
) -> None:
    await server.dispatch.stop()  # nobody takes it up
    session = await forked(client, source, after)
    await server.dispatch.start()
    assert (session.status, session.owner) == (Status.RUNNING, "")
    assert (session.pending, session.turn_seq) == ([], after)


@pytest.fixture
def looked_up(app: SetApp) -> list[str]:
    """The names that the app has looked up, in a step between its two questions."""
    names: list[str] = []

    @app
    def main() -> str:
        name = yr.text_input("Who?")
        yr.step(names.append, name)
        return f"{name}: {yr.buttons(['small', 'large'])}"

    return names


async def test_recorded_steps_are_not_done_again(looked_up: list[str], client: AsgiClient) -> None:
    """The log: 1 asks, 2 is answered, 3 is the step, 4 asks, 5 is answered, 6 is the exit."""
    source = await client.create(APP_ID)
    for block_id, value in ((NAME, "Ada"), (SIZE, "small")):
        await client.messages(source)
        await client.answer(source, block_id, value)
    await client.messages(source)
    asks = await forked(client, source, 4)
    await client.answer(str(asks.id), SIZE, "large")
    assert await returned(client, asks) == "Ada: large"
    assert await returned(client, await forked(client, source, 5)) == "Ada: small"
    assert looked_up == ["Ada"]
    played_on = await forked(client, source, 2)
    assert (await client.messages(str(played_on.id)))[-1].data["block_id"] == SIZE
    assert looked_up == ["Ada", "Ada"]


async def test_fork_of_a_fork_plays_on(source: str, client: AsgiClient) -> None:
    session = await forked(client, str((await forked(client, source, 8)).id), 7)
    fields = [
        {"sub_block_id": CITY, "sub_block_type": "input_request", "value": "Oslo"},
        {"sub_block_id": SIZE, "sub_block_type": "buttons", "value": "small"},
    ]
    await client.answer(str(session.id), "form-1", fields, "form")
    assert await returned(client, session) == "Ada ('Oslo', 'small')"
    story = [m.data for m in await client.messages(str(session.id), "?after=0&follow=true")]
    original = [m.data for m in await client.messages(source, "?after=0&follow=true")]
    is_event = "event_class"
    assert [e for e in story if is_event in e][:-1] == [e for e in original if is_event in e][:-1]


@pytest.mark.parametrize(("after", "nearest"), [(3, 2), (6, 2), (10, 9), (11, 9), (2**63 - 1, 9)])
async def test_other_points_are_refused(source: str, client: AsgiClient, after: int, nearest: int) -> None:
    response = await fork(client, source, after)
    body = await response.json()
    assert (response.status, body["code"]) == (400, "not_a_fork_point")
    assert f"the nearest below is {nearest}." in body["detail"]
    assert await in_database(Session.objects.count) == 1


@pytest.mark.parametrize("after", [-1, "x", None, 1.5, True, 2**63])
async def test_what_is_no_seq_is_refused(source: str, client: AsgiClient, after: Any) -> None:
    assert await (await fork(client, source, after)).refusal() == (400, "invalid")


@pytest.mark.parametrize("columns", [{"active": False}, {"load_error": "broken"}])
async def test_app_that_cannot_be_started_cannot_be_forked(
    source: str, client: AsgiClient, columns: dict[str, Any]
) -> None:
    await in_database(App.objects.filter(id=APP_ID).update, **columns)
    assert await (await fork(client, source, 1)).refusal() == (404, "app_not_found")


@pytest.mark.parametrize("status", [Status.DIVERGED, Status.WAITING, Status.RUNNING])
async def test_live_session_is_forked_and_left_alone(
    source: str, client: AsgiClient, new_session: Callable[..., Session], status: Status
) -> None:
    live = await forked(client, source, 7)
    await in_database(Session.objects.filter(id=live.id).update, status=status)
    session = await forked(client, str(live.id), 7)
    assert (session.status, session.pending) == (Status.WAITING, live.pending)
    assert (await lifecycle.find_session(ANYBODY, str(live.id))).status == status


async def test_source_that_is_being_deleted_is_not_there(source: str, client: AsgiClient) -> None:
    await in_database(LogEntry.objects.filter(session=uuid.UUID(source), seq=1).delete)
    assert await (await fork(client, source, 7)).refusal() == (404, "session_not_found")
    assert await in_database(Session.objects.count) == 1


async def test_deleted_source_leaves_its_forks(source: str, client: AsgiClient) -> None:
    session = await forked(client, source, 7)
    assert (await client.call("DELETE", f"/api/session/{source}")).status == 204
    session = await lifecycle.find_session(ANYBODY, str(session.id))
    assert session.forked_from_id is None
    assert len(await in_database(entries, session.id)) == 7


async def test_forks_at_once_are_all_made(source: str, client: AsgiClient) -> None:
    sessions = await asyncio.gather(*[forked(client, source, 7) for _ in range(8)])
    assert len({session.id for session in sessions}) == 8
    for session in sessions:
        assert len(await in_database(entries, session.id)) == 7


async def test_fork_is_its_callers(source: str, client: AsgiClient) -> None:
    user = await in_database(new_user, "ada")
    theirs = AsgiClient(by_token(await in_database(new_token, user)))
    response = await fork(theirs, source, 7)
    assert "set-cookie" not in response.headers
    session = await in_database(Session.objects.get, id=(await response.json())["session_id"])
    assert (session.user_id, session.visitor) == (user.id, None)
    assert await (await fork(client, str(session.id), 7)).refusal() == (404, "session_not_found")


async def test_visitor_without_a_cookie_is_given_one(source: str, client: AsgiClient) -> None:
    response = await fork(client, source, 7)
    cookie = SimpleCookie(response.headers["set-cookie"])[VISITOR_COOKIE]
    session = await lifecycle.find_session(ANYBODY, (await response.json())["session_id"])
    assert cookie.value == str(session.visitor)
    known = AsgiClient({"Cookie": f"{VISITOR_COOKIE}={uuid.UUID(int=1)}"})
    assert "set-cookie" not in (await fork(known, source, 7)).headers
