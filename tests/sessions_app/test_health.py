"""What a load balancer asks."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

from sessions_app.channel_layer import LocalChannelLayer
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient
from tests.storage import full_disk


class MuteLayer(LocalChannelLayer):
    """Takes no message."""

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        raise ConnectionError("no layer")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/health", {"status": "healthy", "service": "yera-sessions"}),
        ("/ready", {"status": "ready", "service": "yera-sessions"}),
    ],
)
async def test_state_of_the_server(client: AsgiClient, path: str, body: dict[str, Any]) -> None:
    response = await client.get(path)
    assert (response.status, await response.json()) == (200, body)


async def test_not_ready_without_a_runner(server: Server, client: AsgiClient) -> None:
    await server.dispatch.stop()
    assert await (await client.get("/ready")).refusal() == (503, "not_ready")
    assert (await client.get("/health")).status == 200
    await server.dispatch.start()


async def test_not_ready_without_a_channel_layer(
    client: AsgiClient, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": f"{__name__}.MuteLayer"}}
    response = await client.get("/ready")
    assert await response.refusal() == (503, "not_ready")
    assert "no layer" in caplog.text, "the log says why"
    assert (await client.get("/health")).status == 200


async def test_not_ready_while_the_database_takes_nothing(client: AsgiClient, waiting: str) -> None:
    path, title = f"/api/session/{waiting}", {"title": "Mine"}
    with full_disk(psutil.Process()):
        assert (await client.send("PATCH", path, title)).status == 503
        assert await (await client.get("/ready")).refusal() == (503, "not_ready")
        assert (await client.get("/health")).status == 200
    assert (await client.send("PATCH", path, title)).status == 200
    assert (await client.get("/ready")).status == 200


async def test_only_ready_asks_the_database(client: AsgiClient, queries: list[str]) -> None:
    await client.get("/health")
    assert queries == []
    await client.get("/ready")
    assert queries == ["SELECT 1"]
