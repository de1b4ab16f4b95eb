"""Each call of the API: its answer, and every refusal with its status, code and shape."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import pytest

import apps_app.dsl as yr
from apps_app.models import App
from sessions_app.database import in_database
from sessions_app.models import Session
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID

UNKNOWN = str(uuid.uuid4())


# Answers.


async def test_create(asking: None, client: AsgiClient) -> None:
    response = await client.post("/api/session", {"app_id": APP_ID, "unknown field": 1})
    assert response.status == 201
    body = await response.json()
    assert body == {"session_id": str(uuid.UUID(body["session_id"]))}
    assert await in_database(Session.objects.filter(id=body["session_id"], app=APP_ID).exists)


async def test_answer(waiting: str, client: AsgiClient) -> None:
    response = await client.answer(waiting, "input_request-1", "me")
    assert response.status == 200
    assert await response.json() == {"status": "received", "session_id": waiting}


async def test_detail_of_a_waiting_session(waiting: str, client: AsgiClient) -> None:
    response = await client.get(f"/api/session/{waiting}")
    assert response.status == 200
    body = await response.json()
    assert datetime.fromisoformat(body.pop("created_at")) <= datetime.fromisoformat(body.pop("updated_at"))
    assert body == {
        "session_id": waiting,
        "app_id": APP_ID,
        "status": "waiting",
        "pending": [{"block_id": "input_request-1", "block_type": "input_request"}],
        "last_seq": 1,
        "finished_at": None,
        "exit": None,
        "forked_from": None,
        "title": "",
        "divergence": None,
    }


async def test_detail_of_an_ended_session(waiting: str, client: AsgiClient) -> None:
    await client.answer(waiting, "input_request-1", "me")
    messages = await client.messages(waiting)
    body = await (await client.get(f"/api/session/{waiting}")).json()
    assert (body["status"], body["pending"], body["last_seq"]) == ("finished", [], 3)
    assert body["exit"] == messages[-1].data["data"]
    assert datetime.fromisoformat(body["finished_at"]) <= datetime.fromisoformat(body["updated_at"])


async def test_cancel(waiting: str, client: AsgiClient) -> None:
    first = await client.post(f"/api/session/{waiting}/cancel")
    second = await client.post(f"/api/session/{waiting}/cancel")
    body = await first.json()
    assert (first.status, body["status"], body["exit"]["exit_code"]) == (200, "cancelled", 130)
    assert (second.status, await second.json()) == (200, body)


async def test_list_of_apps(server: Server, client: AsgiClient) -> None:
    await in_database(App.objects.create, id="gone", name="Gone", entry_point="gone:main", active=False)
    response = await client.get("/api/apps")
    assert response.status == 200
    assert await response.json() == {
        "apps": [{"id": APP_ID, "name": "main", "description": "", "path": ["one", "app"]}]
    }


async def test_app(asking: None, client: AsgiClient) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    await in_database(App.objects.update, inputs_schema=schema, description="Asks.")
    response = await client.get(f"/api/apps/{APP_ID}")
    assert response.status == 200
    assert await response.json() == {
        "id": APP_ID,
        "name": "main",
        "description": "Asks.",
        "path": ["one", "app"],
        "inputs": schema,
    }


@pytest.mark.parametrize("path", ["no.such.app", APP_ID.upper(), "%20", "\0", "x" * 5000, "a\nb", "\ufffd"])
async def test_app_that_is_not_there(client: AsgiClient, path: str) -> None:
    assert await (await client.get(f"/api/apps/{path}")).refusal() == (404, "app_not_found")


@pytest.mark.parametrize("column", [{"active": False}, {"load_error": "SyntaxError"}])
async def test_app_that_cannot_be_started_is_not_shown(client: AsgiClient, column: dict[str, Any]) -> None:
    await in_database(App.objects.update, **column)
    assert await (await client.get(f"/api/apps/{APP_ID}")).refusal() == (404, "app_not_found")
    assert await (await client.get("/api/apps")).json() == {"apps": []}
    response = await client.post("/api/session", {"app_id": APP_ID})
    assert await response.refusal() == (404, "app_not_found")


async def test_neighbour_of_old_clients(client: AsgiClient) -> None:
    response = await client.get("/api/deploy-config")
    assert (response.status, await response.json()) == (200, {"deploy_available": False})


# Refusals.


@pytest.mark.parametrize("session_id", [UNKNOWN, "no-id", "0", "%00", "x" * 500])
async def test_unknown_session(client: AsgiClient, session_id: str) -> None:
    path = f"/api/session/{session_id}"
    interaction = {"blockId": "a", "blockType": "text", "value": 1}
    for response in (
        await client.get(path),
        await client.get(f"{path}/stream"),
        await client.get(f"{path}/stream?after=3&follow=true"),
        await client.post(f"{path}/interaction", interaction),
        await client.post(f"{path}/cancel"),
        await client.get(f"{path}/events"),
        await client.send("PATCH", path, {"title": "x"}),
        await client.call("DELETE", path),
    ):
        assert await response.refusal() == (404, "session_not_found")


@pytest.mark.parametrize("app_id", ["nothing.here", "one_app.MAIN", "x" * 255, " one_app.main"])
async def test_unknown_app(client: AsgiClient, app_id: str) -> None:
    response = await client.post("/api/session", {"app_id": app_id})
    assert await response.refusal() == (404, "app_not_found")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"app_id"}),
        ({"app_id": None}, {"app_id"}),
        ({"app_id": ""}, {"app_id"}),
        ({"app_id": 3}, {"app_id"}),
        ({"app_id": ["a"]}, {"app_id"}),
        ({"app_id": "x" * 256}, {"app_id"}),
        ({"app_id": "a\0"}, {"app_id"}),
        ([], {"non_field_errors"}),
        (None, {"non_field_errors"}),
        ("text", {"non_field_errors"}),
    ],
)
async def test_create_body_that_does_not_validate(client: AsgiClient, body: Any, fields: set[str]) -> None:
    response = await client.post("/api/session", body)
    answer = await response.json()
    assert (response.status, answer["code"]) == (400, "invalid")
    errors = answer["errors"]
    assert errors.keys() == fields
    assert all(isinstance(problem, str) for problems in errors.values() for problem in problems)


async def test_every_bad_field_is_told(waiting: str, client: AsgiClient) -> None:
    response = await client.post(f"/api/session/{waiting}/interaction", {"blockId": 1, "blockType": True})
    body = await response.json()
    assert (response.status, body["code"]) == (400, "invalid")
    assert body["errors"] == {
        "blockId": ["Not a valid string."],
        "blockType": ["Not a valid string."],
        "value": ["This field is required."],
    }
    assert body["detail"] == (
        "blockId: Not a valid string. value: This field is required. blockType: Not a valid string."
    )


@pytest.mark.parametrize("depth", [200, 300, 900])
async def test_deep_value_is_received_or_refused(waiting: str, client: AsgiClient, depth: int) -> None:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    response = await client.answer(waiting, "input_request-1", value)
    assert response.status in (200, 400)
    if response.status == 400:
        await response.refusal()


async def test_prompt_that_nobody_asks(waiting: str, client: AsgiClient) -> None:
    response = await client.answer(waiting, "buttons-1", "x")
    assert (await response.json())["detail"] == (
        "buttons-1 is not waiting for an answer; the session waits for input_request-1."
    )
    assert response.status == 409


async def test_ended_session_takes_no_answer(waiting: str, client: AsgiClient) -> None:
    await client.post(f"/api/session/{waiting}/cancel")
    response = await client.answer(waiting, "input_request-1", "x")
    assert await response.refusal() == (409, "session_ended")


async def test_value_that_does_not_fit(app: SetApp, client: AsgiClient) -> None:
    @app
    def main() -> None:
        yr.slider(0, 1, "How much?")

    session = await client.create(APP_ID)
    await client.messages(session)
    assert await (await client.answer(session, "slider-1", 2)).refusal() == (400, "invalid_answer")
