"""Answering and cancelling, alone and in races: one answer, one exit (invariants 4 and 9)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

import apps_app.dsl as yr
from apps_app.models import App
from sessions_app import lifecycle
from sessions_app.database import in_database
from sessions_app.exceptions import AppNotFound, InvalidAnswer, NotPending, SessionEnded, SessionNotFound
from sessions_app.frames import Entry
from sessions_app.models import Kind, Session, Status
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import ANYBODY, APP_ID, entries, exit_of
from tests.sessions_app.racing import race

RACERS = 12


@pytest.fixture
def asking(app: SetApp) -> None:
    @app
    def main() -> str:
        return yr.text_input("Who?")


@pytest.fixture
def filling_in(app: SetApp) -> None:
    @app
    def main() -> str:
        with yr.columns(2), yr.form() as form:
            yr.text_input("City")
            yr.slider(0, 9, "Score")
            yr.buttons(["a", "b"])
        return str(form.result())


async def waiting(client: AsgiClient) -> str:
    """A session that has come to its question."""
    session_id = await client.create(APP_ID)
    await client.messages(session_id)
    return session_id


async def test_session_keeps_the_file_that_it_began_with(filling_in: None, client: AsgiClient) -> None:
    await in_database(App.objects.filter(id=APP_ID).update, code_hash="a" * 64)
    assert (await row(await waiting(client))).code_hash == "a" * 64


async def row(session_id: str) -> Session:
    return await lifecycle.find_session(ANYBODY, session_id)


async def log(session_id: str) -> list[Entry]:
    return await in_database(entries, session_id)


def fields(*values: tuple[str, Any]) -> list[dict[str, Any]]:
    return [
        {"sub_block_id": block_id, "sub_block_type": block_id.partition("-")[0], "value": value}
        for block_id, value in values
    ]


CITY, SCORE, CHOICE = ("input_request-1", "Paris"), ("slider-1", "7"), ("buttons-1", "a")


# One answer.


async def test_full_answer_sets_running_in_its_own_commit(
    server: Server, new_session: Callable[..., Session]
) -> None:
    """There is no run here that could have done it."""
    pending = [{"block_id": "input_request-1", "block_type": "input_request"}]
    elsewhere = {"status": Status.WAITING, "pending": pending, "owner": "another"}
    key = (await in_database(new_session, **elsewhere)).id
    assert await lifecycle.answer(ANYBODY, str(key), "input_request-1", "text", "me") == key
    session = await row(str(key))
    assert (session.status, session.pending) == (Status.RUNNING, [])
    assert (session.last_seq, session.turn_seq) == (1, 1)
    assert await log(str(key)) == [
        Entry(1, Kind.INTERACTION, False, b'{"blockId":"input_request-1","value":"me","blockType":"text"}')
    ]


@pytest.mark.parametrize("order", list(itertools.permutations([CITY, SCORE, CHOICE])))
async def test_form_is_answered_in_any_order(
    filling_in: None, client: AsgiClient, order: list[tuple[str, Any]]
) -> None:
    session_id = await waiting(client)
    await lifecycle.answer(ANYBODY, session_id, "form-1", "form", fields(*order))
    messages = await client.messages(session_id)
    assert messages[-1].data["data"]["return_value"] == "('Paris', 7.0, 'a')"


async def test_form_is_answered_in_parts(filling_in: None, client: AsgiClient) -> None:
    session_id = await waiting(client)
    await lifecycle.answer(ANYBODY, session_id, "columns-1", "layout", fields(SCORE))
    session = await row(session_id)
    assert [prompt["block_id"] for prompt in session.pending] == ["input_request-1", "buttons-1"]
    assert session.status == Status.WAITING
    await lifecycle.answer(ANYBODY, session_id, "input_request-1", "text", "Paris")
    await lifecycle.answer(ANYBODY, session_id, "form-1", "form", fields(CHOICE))
    messages = await client.messages(session_id)
    assert messages[-1].data["data"]["return_value"] == "('Paris', 7.0, 'a')"


@pytest.mark.parametrize(
    ("block_id", "value", "refusal"),
    [
        ("form-1", fields(CITY, ("slider-1", 10)), InvalidAnswer),
        ("form-1", fields(CITY, ("slider-9", 1)), NotPending),
        ("form-1", fields(CITY, CITY), InvalidAnswer),
        ("form-1", [], InvalidAnswer),
        ("form-1", "text", InvalidAnswer),
        ("form-2", fields(CITY), NotPending),
        ("buttons-1", "c", InvalidAnswer),
        ("buttons-2", "a", NotPending),
    ],
)
async def test_all_or_nothing_is_recorded(
    filling_in: None, client: AsgiClient, block_id: str, value: Any, refusal: type[Exception]
) -> None:
    session_id = await waiting(client)
    before = await row(session_id)
    with pytest.raises(refusal):
        await lifecycle.answer(ANYBODY, session_id, block_id, "form", value)
    after = await row(session_id)
    assert (after.last_seq, after.pending, after.status) == (before.last_seq, before.pending, before.status)


async def test_answered_prompt_is_not_pending(filling_in: None, client: AsgiClient) -> None:
    session_id = await waiting(client)
    await lifecycle.answer(ANYBODY, session_id, "buttons-1", "buttons", "a")
    with pytest.raises(NotPending, match="waits for input_request-1, slider-1"):
        await lifecycle.answer(ANYBODY, session_id, "buttons-1", "buttons", "b")


async def test_of_racing_answers_one_wins(asking: None, client: AsgiClient, server: Server) -> None:
    session_id = await waiting(client)
    race(server, RACERS)
    answers = [client.answer(session_id, "input_request-1", str(number)) for number in range(RACERS)]
    statuses = [response.status for response in await asyncio.gather(*answers)]
    assert sorted(statuses) == [200] + [409] * (RACERS - 1)
    await client.messages(session_id)
    session = await row(session_id)
    assert exit_of(session)["return_value"] == str(statuses.index(200))
    assert [entry.kind for entry in await log(session_id)] == ["event", "interaction", "event"]


async def test_racing_parts_of_a_form_all_count(filling_in: None, client: AsgiClient, server: Server) -> None:
    """Those that lose a race are judged anew, and still answer what is pending."""
    session_id = await waiting(client)
    race(server, 3)
    answers = [client.answer(session_id, block_id, value) for block_id, value in (CITY, SCORE, CHOICE)]
    assert [response.status for response in await asyncio.gather(*answers)] == [200, 200, 200]
    messages = await client.messages(session_id)
    assert messages[-1].data["data"]["return_value"] == "('Paris', 7.0, 'a')"


async def test_of_racing_answers_to_one_field_one_wins(
    filling_in: None, client: AsgiClient, server: Server
) -> None:
    """Although the session waits for its other fields before and after."""
    session_id = await waiting(client)
    race(server, 2)
    answers = [client.answer(session_id, "buttons-1", choice) for choice in "ab"]
    assert sorted(response.status for response in await asyncio.gather(*answers)) == [200, 409]
    assert [entry.kind for entry in await log(session_id)].count("interaction") == 1


# The end.


async def test_racing_cancels_give_one_exit(asking: None, client: AsgiClient, server: Server) -> None:
    session_id = await waiting(client)
    race(server, RACERS)
    cancels = [client.post(f"/api/session/{session_id}/cancel") for _ in range(RACERS)]
    bodies = [await response.json() for response in await asyncio.gather(*cancels)]
    assert bodies == [bodies[0]] * RACERS
    assert bodies[0]["status"] == "cancelled"
    assert [entry.closes_turn for entry in await log(session_id)] == [True, True]


async def test_cancel_leaves_a_finished_session_as_it_is(asking: None, client: AsgiClient) -> None:
    session_id = await waiting(client)
    await lifecycle.answer(ANYBODY, session_id, "input_request-1", "text", "me")
    await client.messages(session_id)
    assert (await lifecycle.cancel(ANYBODY, session_id)).status == Status.FINISHED
    assert len(await log(session_id)) == 3


@pytest.mark.parametrize("attempt", range(5))
async def test_cancel_racing_an_answer_ends_the_session_once(
    asking: None, client: AsgiClient, server: Server, attempt: int
) -> None:
    session_id = await waiting(client)
    race(server, 2)
    answered, cancelled = await asyncio.gather(
        client.answer(session_id, "input_request-1", "me"),
        client.post(f"/api/session/{session_id}/cancel"),
    )
    assert answered.status in (200, 409)
    assert (await cancelled.json())["status"] in ("cancelled", "finished")
    story = await client.messages(session_id, "?after=0&follow=true")
    exits = [
        message for message in story if message.event == "message" and "exit_code" in message.data["data"]
    ]
    assert exits == [story[-1]]
    assert (await row(session_id)).exit == story[-1].data["data"]


async def test_cancelled_before_it_was_taken_up_never_plays(
    app: SetApp, client: AsgiClient, server: Server
) -> None:
    calls: list[int] = []

    @app
    def main() -> None:
        calls.append(1)

    await server.dispatch.stop()
    session_id = await client.create(APP_ID)
    assert (await lifecycle.cancel(ANYBODY, session_id)).status == Status.CANCELLED
    await server.dispatch.start()
    assert (await client.messages(session_id))[-1].data["data"]["exit_code"] == 130
    other = await client.create(APP_ID)  # taken up after the first was tried
    await client.messages(other)
    assert calls == [1]


async def test_ended_session_refuses_answers(asking: None, client: AsgiClient) -> None:
    session_id = await waiting(client)
    await lifecycle.cancel(ANYBODY, session_id)
    with pytest.raises(SessionEnded, match=session_id):
        await lifecycle.answer(ANYBODY, session_id, "input_request-1", "text", "x")


async def test_what_does_not_exist_is_said_to(server: Server) -> None:
    for unknown in ("no id", str(UUID(int=1))):
        with pytest.raises(SessionNotFound, match=unknown):
            await lifecycle.find_session(ANYBODY, unknown)
        with pytest.raises(SessionNotFound, match=unknown):
            await lifecycle.cancel(ANYBODY, unknown)
        with pytest.raises(SessionNotFound, match=unknown):
            await lifecycle.answer(ANYBODY, unknown, "a", "text", "x")
    with pytest.raises(AppNotFound, match="nothing"):
        await lifecycle.create_session(ANYBODY, "nothing")
