"""The API's ASGI handler: bodies, streams that are left or not taken, and no thread for each."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from typing import Any

import pytest
from channels.layers import get_channel_layer

from sessions_app.conf import conf
from sessions_app.dispatch.inline import InlineDispatch
from tests.deadline import until
from tests.sessions_app.asgi_client import SECONDS, AsgiClient, Call, is_left_alone
from tests.sessions_app.playing import APP_ID

JSON = {"Content-Type": "application/json"}
PAGE = "https://page.example"


async def test_body_comes_in_parts(waiting: str, client: AsgiClient) -> None:
    parts = [b'{"app', b"", b'_id": "', APP_ID.encode(), b'"}']
    response = await client.call("POST", "/api/session", JSON, parts)
    assert response.status == 201


async def test_large_body_is_refused_before_it_has_come(client: AsgiClient, settings: Any) -> None:
    settings.YERA_MAX_BODY_BYTES = 100
    parts = [b"x" * 60] * 10
    response = await client.call("POST", "/api/session", JSON, parts)
    assert response.status == 413
    assert await response.json() == {
        "detail": "The request body is larger than 100 bytes.",
        "code": "payload_too_large",
    }
    assert len(parts) == 8


async def test_body_may_be_as_large_as_the_setting_says(
    waiting: str, client: AsgiClient, settings: Any
) -> None:
    settings.YERA_MAX_BODY_BYTES = 8 * 1024 * 1024
    response = await client.answer(waiting, "input_request-1", "x" * 4 * 1024 * 1024)
    assert response.status == 200


async def test_client_that_leaves_while_sending_is_told_nothing(client: AsgiClient) -> None:
    call = Call("POST", "/api/session", JSON, [])
    await call.hang_up()
    with pytest.raises(AssertionError, match="sends nothing"):
        await call.next_message()


async def test_stream_has_the_headers_that_proxies_need(waiting: str, client: AsgiClient) -> None:
    async with client.stream(waiting, "?after=1") as response:
        assert (response.status, response.headers["content-type"]) == (200, "text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        assert "content-length" not in response.headers
        assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    ("origin", "is_allowed"), [(PAGE, True), ("https://else.example", False), ("null", False)]
)
async def test_stream_is_for_allowed_origins(
    waiting: str, client: AsgiClient, settings: Any, origin: str, is_allowed: bool
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PAGE]
    async with client.stream(waiting, headers={"Origin": origin}) as response:
        assert response.headers.get("access-control-allow-origin") == (PAGE if is_allowed else None)


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("POST", "/api/session", {}, (413, "payload_too_large")),
        ("POST", "/api/session", {"Content-Type": "text/plain"}, (413, "payload_too_large")),
        ("GET", "/api/session/none", {}, (404, "session_not_found")),
        ("GET", "/api/session/none/stream", {}, (404, "session_not_found")),
        ("GET", "/api/no/such/call", {}, (404, "not_found")),
        ("PUT", "/api/apps", {}, (405, "method_not_allowed")),
        ("GET", "/api/session?limit=0", {}, (400, "invalid")),
        ("GET", "/api/apps", {"Authorization": "Token none"}, (401, "invalid_token")),
        ("GET", "/api/apps", {"Host": "elsewhere.example"}, (400, "parse_error")),
    ],
)
async def test_refusals_are_for_allowed_origins_too(
    client: AsgiClient,
    settings: Any,
    method: str,
    path: str,
    headers: dict[str, str],
    expected: tuple[int, str],
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PAGE]
    settings.YERA_MAX_BODY_BYTES = 10
    body = [b"x" * 11] if expected[0] == 413 else []
    response = await client.call(method, path, {"Origin": PAGE, **headers}, body)
    assert await response.refusal() == expected
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["access-control-allow-credentials"] == "true"
    assert response.headers["vary"] == "origin"


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json; charset*=bogus'en'%41", (400, "invalid")),
        ("application/json; charset=bogus", (400, "invalid")),
        ("Application/JSON ;", (400, "invalid")),
        ("application/json; x=" + "a" * 60_000, (400, "invalid")),
        ("text/plain; charset*=bogus'en'%41", (415, "unsupported_media_type")),
        (";application/json", (415, "unsupported_media_type")),
    ],
)
async def test_content_type_may_be_any_text(
    client: AsgiClient, content_type: str, expected: tuple[int, str]
) -> None:
    response = await client.call("POST", "/api/session", {"Content-Type": content_type}, [b"{}"])
    assert await response.refusal() == expected


async def test_disconnect_closes_the_stream(waiting: str, client: AsgiClient) -> None:
    async with client.stream(waiting, "?after=1"):
        assert len(get_channel_layer().groups) == 1
    assert await is_left_alone()


async def test_disconnect_while_a_write_blocks_closes_the_stream(
    waiting: str, client: AsgiClient, settings: Any
) -> None:
    settings.YERA_HEARTBEAT_SECONDS = 0.01
    response = await client.call("GET", f"/api/session/{waiting}/stream?after=1")
    response.call.takes.clear()
    assert await blocks(response.call)
    await response.call.hang_up()
    assert await is_left_alone()


@pytest.mark.parametrize("is_taking", [True, False])
async def test_cancelled_call_closes_its_stream(
    waiting: str, client: AsgiClient, settings: Any, is_taking: bool
) -> None:
    """As servers do that wait no longer; whoever cancelled it hears of it."""
    settings.YERA_HEARTBEAT_SECONDS = 0.01
    response = await client.call("GET", f"/api/session/{waiting}/stream?after=1")
    if not is_taking:
        response.call.takes.clear()
        assert await blocks(response.call)
    response.call.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(response.call.task, SECONDS)
    assert await is_left_alone()


async def blocks(call: Call) -> bool:
    """Whether the application comes to wait for a client that takes nothing."""
    return await asyncio.to_thread(until, lambda: call.is_blocked)


async def test_client_that_takes_nothing_is_dropped(waiting: str, client: AsgiClient, settings: Any) -> None:
    settings.YERA_SEND_TIMEOUT_SECONDS = 0.05
    settings.YERA_HEARTBEAT_SECONDS = 0.01
    response = await client.call("GET", f"/api/session/{waiting}/stream?after=1")
    response.call.takes.clear()
    await asyncio.wait_for(response.call.task, SECONDS)
    assert await is_left_alone()


async def test_stream_costs_no_thread(waiting: str, client: AsgiClient) -> None:
    threads = threading.active_count()
    async with AsyncExitStack() as streams:
        for _ in range(40):
            await streams.enter_async_context(client.stream(waiting, "?after=1"))
        assert threading.active_count() <= threads + conf.database_threads + 1
    assert await is_left_alone()


class FaultyDispatch(InlineDispatch):
    def advance(self, *_args: Any) -> None:
        raise RuntimeError("a secret")


@pytest.mark.parametrize("dispatch", [f"{FaultyDispatch.__module__}.{FaultyDispatch.__name__}"])
async def test_fault_of_ours_is_told_without_its_details(client: AsgiClient, dispatch: str) -> None:
    response = await client.post("/api/session", {"app_id": APP_ID})
    assert (response.status, response.headers["content-type"]) == (500, "application/json")
    assert await response.json() == {"detail": "A server error occurred.", "code": "error"}
