"""The API's description: each response that it documents is played, and is as it says."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from django.db import connection
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator, FormatChecker

import apps_app.dsl as yr
from apps_app.models import App
from sessions_app import event_log, openapi
from sessions_app.authentication import VISITOR_COOKIE
from sessions_app.database import in_database
from sessions_app.models import Session, Status
from sessions_app.openapi import document
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient, Response
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID
from tests.sessions_app.racing import under_way

DOCUMENT = json.loads(document())
JSON = {"Content-Type": "application/json"}
KEY = {"Idempotency-Key": "0123456789abcdef"}
ANSWER = {"blockId": "buttons-1", "value": "yes", "blockType": "buttons"}
MESSAGES = {
    "message": "Event",
    "interaction": "Interaction",
    "retract": "Retract",
    "status": "StatusMessage",
}


class Documented(NamedTuple):
    """One response of one operation; `code` is a refusal's, empty for an answer."""

    operation: str
    method: str
    path: str
    status: str
    code: str
    content: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.operation}-{self.status}-{self.code}"


def documented() -> Iterator[Documented]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                examples = content.get("application/json", {}).get("examples", {})
                for code in [example["value"]["code"] for example in examples.values()] or [""]:
                    yield Documented(operation["operationId"], method.upper(), path, status, code, content)


def schema_errors(schema: dict[str, Any], value: Any) -> list[str]:
    """What keeps a value from being as a schema of the document says."""
    validator = Draft202012Validator(
        {**schema, "components": DOCUMENT["components"]}, format_checker=FormatChecker()
    )
    return [error.message for error in validator.iter_errors(value)]


def component(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


class World:
    """A server with a session that waits for a button, and calls to it."""

    def __init__(self, client: AsgiClient, server: Server, settings: Any, session: str) -> None:
        self.client, self.server, self.settings, self.session = client, server, settings, session

    async def call(
        self, what: Documented, query: str = "", headers: dict[str, str] | None = None, body: Any = None
    ) -> Response:
        """Call the documented operation; a body of bytes is sent as it is."""
        path = what.path.format(session_id=self.session, app_id=APP_ID)
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {**JSON, **(headers or {})}
        return await self.client.call(what.method, path + query, headers, [b"" if body is None else sent])

    async def end(self) -> None:
        response = await self.client.answer(self.session, "buttons-1", "yes")
        assert response.status == 200
        await self.client.messages(self.session)


Play = Callable[[World, Documented], Awaitable[Response]]
BODIES = {
    "create_session": {"app_id": APP_ID},
    "rename_session": {"title": "Mine"},
    "add_interaction": ANSWER,
    "fork_session": {"after": 2},
}


async def answer(world: World, what: Documented) -> Response:
    return await world.call(what, body=BODIES.get(what.operation))


async def past_the_exit(world: World, what: Documented) -> Response:
    await world.end()
    return await world.call(what, query="?after=100")


async def invalid_token(world: World, what: Documented) -> Response:
    return await world.call(what, headers={"Authorization": "Token nonsense"})


async def not_signed_in(world: World, what: Documented) -> Response:
    world.settings.YERA_ACCESS = "login"
    return await world.call(what)


async def invalid(world: World, what: Documented) -> Response:
    return await world.call(what, query="?limit=0", body={})


async def unknown_session(world: World, what: Documented) -> Response:
    world.session = str(uuid.uuid4())
    return await answer(world, what)


async def inactive_app(world: World, what: Documented) -> Response:
    await in_database(App.objects.update, active=False)
    return await answer(world, what)


async def not_a_fork_point(world: World, what: Documented) -> Response:
    return await world.call(what, body={"after": 1})


async def retry(world: World, what: Documented) -> Response:
    diverged = Session(app_id=APP_ID, status=Status.DIVERGED, divergence={"seq": 1})
    await in_database(event_log.create, diverged)
    world.session = str(diverged.id)
    return await world.call(what)


async def invalid_answer(world: World, what: Documented) -> Response:
    return await world.call(what, body={**ANSWER, "value": "perhaps"})


async def not_pending(world: World, what: Documented) -> Response:
    return await world.call(what, body={**ANSWER, "blockId": "buttons-2"})


async def session_ended(world: World, what: Documented) -> Response:
    await world.end()
    return await answer(world, what)


async def in_flight(world: World, what: Documented) -> Response:
    first = world.call(what, headers=KEY, body=BODIES[what.operation])
    async with under_way(world.server, first):
        return await world.call(what, headers=KEY, body=BODIES[what.operation])


async def idempotency_key_reused(world: World, what: Documented) -> Response:
    await world.call(what, headers=KEY, body=BODIES[what.operation])
    return await world.call(what, headers=KEY, body={**ANSWER, "app_id": "another.app", "value": "no"})


async def not_ready(world: World, what: Documented) -> Response:
    await world.end()  # its run would be left with the runner that stops
    await world.server.dispatch.stop()
    response = await world.call(what)
    await world.server.dispatch.start()
    return response


async def storage_unavailable(world: World, what: Documented) -> Response:
    await in_database(rename_tables, "", "_gone")
    visitor = {"Cookie": f"{VISITOR_COOKIE}={uuid.uuid4()}"}
    response = await world.call(what, headers=visitor, body=BODIES.get(what.operation))
    await in_database(rename_tables, "_gone", "")
    return response


def rename_tables(before: str, after: str) -> None:
    with connection.cursor() as cursor:
        for model in (App, Session):
            table = model._meta.db_table
            cursor.execute(f"ALTER TABLE {table}{before} RENAME TO {table}{after}")


def with_body(body: bytes, **headers: str) -> Play:
    async def play(world: World, what: Documented) -> Response:
        return await world.call(what, headers=headers, body=body)

    return play


PLAYS: dict[str, Play] = {  # by code, or by operation and status, or else the answer
    "invalid_token": invalid_token,
    "not_signed_in": not_signed_in,
    "parse_error": with_body(b"{"),
    "invalid": invalid,
    "unsupported_media_type": with_body(b"{}", **{"Content-Type": "text/plain"}),
    "payload_too_large": with_body(b" " * (1024 * 1024 + 1)),
    "session_not_found": unknown_session,
    "app_not_found": inactive_app,
    "invalid_answer": invalid_answer,
    "not_pending": not_pending,
    "session_ended": session_ended,
    "in_flight": in_flight,
    "idempotency_key_reused": idempotency_key_reused,
    "not_a_fork_point": not_a_fork_point,
    "not_ready": not_ready,
    "storage_unavailable": storage_unavailable,
    "retry_session-200": retry,
    "stream_session-204": past_the_exit,
}


@pytest.fixture
async def world(app: SetApp, client: AsgiClient, server: Server, settings: Any) -> World:
    @app
    def main() -> str:
        yr.markdown("Well?")
        return yr.buttons(["yes", "no"])

    session = await client.create(APP_ID)
    await client.messages(session)
    return World(client, server, settings, session)


@pytest.mark.parametrize("what", list(documented()), ids=str)
async def test_documented_response_is_what_the_server_gives(world: World, what: Documented) -> None:
    play = PLAYS.get(what.code) or PLAYS.get(f"{what.operation}-{what.status}") or answer
    response = await play(world, what)
    assert str(response.status) == what.status
    if not what.content:
        assert await response.read() == b""
        return
    ((media_type, content),) = what.content.items()
    assert response.headers["content-type"] == media_type
    if media_type == "application/json":
        body = await response.json()
        assert schema_errors(content["schema"], body) == []
        assert not what.code or body["code"] == what.code
        return
    messages = [message async for message in response.messages()]
    assert messages
    assert [schema_errors(component("Event"), message.data) for message in messages] == [[]] * len(messages)


async def test_messages_of_a_whole_story_are_as_documented(world: World) -> None:
    await world.end()
    messages = await world.client.messages(world.session, "?follow=true&after=0")
    assert {message.event for message in messages} == {"message", "interaction", "status"}
    for message in messages:
        assert schema_errors(component(MESSAGES[message.event]), message.data) == []
    listed = await (await world.client.get(f"/api/session/{world.session}/events")).json()
    assert [event["kind"] for event in listed["events"]] == ["event", "event", "interaction", "event"]
    for event in listed["events"]:
        assert schema_errors(component("LogEvent"), event) == []


def test_schemas_tell_good_from_bad() -> None:
    """The checks above can fail."""
    assert schema_errors(component("Event"), {"block_type": "markdown"})
    assert schema_errors(component("LogEvent"), {"seq": 1, "kind": "event"})
    assert schema_errors(component("Refusal"), {"detail": "Why."})


def test_document_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    validate_schema(DOCUMENT)


async def test_document_is_served(client: AsgiClient) -> None:
    response = await client.get("/api/schema")
    assert (response.status, await response.json()) == (200, DOCUMENT)


def test_many_may_be_the_first_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made once: drf-spectacular cannot be at work in two threads when it is used first."""
    together = threading.Barrier(6)
    made: list[str] = []

    class Counted(openapi.SchemaGenerator):  # type: ignore[name-defined, misc]  # untyped
        def get_schema(self, **options: Any) -> Any:
            made.append(threading.current_thread().name)
            return super().get_schema(**options)

    def ask() -> bool:
        together.wait()
        return bool(json.loads(document()) == DOCUMENT)

    monkeypatch.setattr(openapi, "SchemaGenerator", Counted)
    openapi._document.cache_clear()
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(ask) for _ in range(6)]
    assert [each.result() for each in asked] == [True] * 6
    assert len(made) == 1
