"""The ASGI application's start and end, and which handler a request goes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from sessions_app import server as server_module
from sessions_app.dispatch.inline import InlineDispatch
from sessions_app.server import Server
from tests.sessions_app.asgi_client import SECONDS, AsgiClient
from yera_project.asgi import application


class RefusingDispatch(InlineDispatch):
    async def start(self) -> None:
        raise ImproperlyConfigured("Another server already runs.")


REFUSING = f"{RefusingDispatch.__module__}.{RefusingDispatch.__name__}"


class Lifespan:
    """What a server tells the application of its life, and what that answers."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.task = asyncio.create_task(application({"type": "lifespan"}, self._told.get, self._answers.put))

    async def tell(self, what: str) -> dict[str, Any]:
        self._told.put_nowait({"type": f"lifespan.{what}"})
        return await asyncio.wait_for(self._answers.get(), SECONDS)


@pytest.fixture
async def idle_server(database: None, settings: Any, dispatch: str) -> AsyncIterator[Server]:
    """This process's server, not started."""
    settings.YERA_DISPATCH = dispatch
    server_module.server.cache_clear()
    yield server_module.server()
    server_module.server.cache_clear()


async def test_server_lives_as_long_as_the_process(idle_server: Server) -> None:
    lifespan = Lifespan()
    assert await lifespan.tell("startup") == {"type": "lifespan.startup.complete"}
    assert idle_server.dispatch.problem == ""
    assert (await AsgiClient().get("/ready")).status == 200
    assert await lifespan.tell("shutdown") == {"type": "lifespan.shutdown.complete"}
    await lifespan.task
    assert idle_server.dispatch.problem == "The runner has not been started."


@pytest.mark.parametrize("dispatch", [REFUSING])
async def test_start_that_fails_says_why(idle_server: Server, dispatch: str) -> None:
    lifespan = Lifespan()
    assert await lifespan.tell("startup") == {
        "type": "lifespan.startup.failed",
        "message": "Another server already runs.",
    }
    with pytest.raises(ImproperlyConfigured):
        await lifespan.task
    await idle_server.stop()


async def test_first_request_starts_a_server_without_lifespan(idle_server: Server) -> None:
    client = AsgiClient()
    responses = await asyncio.gather(*[client.get("/ready") for _ in range(5)])
    assert [response.status for response in responses] == [200] * 5
    await idle_server.stop()


@pytest.mark.parametrize(
    ("path", "cookies"), [("/admin/login/", "csrftoken"), ("/health", ""), ("/api/apps", "")]
)
async def test_only_pages_go_through_djangos_middleware(client: AsgiClient, path: str, cookies: str) -> None:
    response = await client.get(path)
    assert response.status == 200
    assert response.headers.get("set-cookie", "").partition("=")[0] == cookies
    assert ("x-frame-options" in response.headers) == bool(cookies)
