"""Requests that are not for us: foreign host names, and protocols that we do not speak."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from sessions_app.server import Server
from tests.sessions_app.asgi_client import SECONDS
from yera_project.asgi import application


@asynccontextmanager
async def connected(kind: str, path: str, **headers: str) -> AsyncIterator[ApplicationCommunicator]:
    scope: dict[str, Any] = {
        "type": kind,
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    communicator = ApplicationCommunicator(application, scope)
    yield communicator
    await communicator.wait(SECONDS)


async def response_to(host: str, path: str) -> tuple[int, str, bytes]:
    """Status, content type and body of what a request to this host name gets."""
    async with connected("http", path, Host=host) as request:
        await request.send_input({"type": "http.request", "body": b""})
        head = await request.receive_output(SECONDS)
        body = await request.receive_output(SECONDS)
    return head["status"], dict(head["headers"])[b"Content-Type"].decode(), body["body"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "bad host", ""]
)
@pytest.mark.parametrize("path", ["/api/apps", "/api/session/1/stream", "/api/nothing", "/health"])
async def test_foreign_host_is_refused_in_the_apis_shape(server: Server, host: str, path: str) -> None:
    """Else a page whose name is made to point here could read the answers (DNS rebinding)."""
    status, content_type, body = await response_to(host, path)
    assert (status, content_type) == (400, "application/json")
    refusal = json.loads(body)
    assert refusal.keys() == {"detail", "code"}
    assert refusal["code"] == "parse_error"
    assert f"HTTP_HOST header: {host!r}" in refusal["detail"]


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "[::1]:8000"])
async def test_own_host_is_served(server: Server, host: str) -> None:
    status, _, body = await response_to(host, "/api/apps")
    assert (status, list(json.loads(body))) == (200, ["apps"])


async def test_allowed_hosts_are_the_settings(server: Server, settings: Any) -> None:
    settings.ALLOWED_HOSTS = [".ours.example"]
    assert (await response_to("a.ours.example", "/api/apps"))[0] == 200
    assert (await response_to("localhost", "/api/apps"))[0] == 400


async def test_refusal_of_a_page_is_djangos(server: Server) -> None:
    status, content_type, _ = await response_to("evil.example", "/admin/login/")
    assert (status, content_type.partition(";")[0]) == (400, "text/html")


@pytest.mark.parametrize("path", ["/", "/api/session/1/stream", "/admin/"])
async def test_websocket_is_closed(path: str) -> None:
    """Without a server: nothing is started for it."""
    async with connected("websocket", path) as websocket:
        await websocket.send_input({"type": "websocket.connect"})
        assert await websocket.receive_output(SECONDS) == {"type": "websocket.close"}
    assert websocket.output_queue.empty()
