"""Starts the session server with the process, and sends each request to the handler it needs."""

from __future__ import annotations

from typing import Any

from django.urls import get_resolver

from sessions_app.asgi_handler import ApiHandler
from sessions_app.exceptions import API_PREFIX
from sessions_app.server import server

PROBE_PATHS = ("/health", "/ready")
DOCS_PATH = "/api/docs"  # a page


class SessionServer:
    """An ASGI application around Django's. Servers without lifespan start with the first request."""

    def __init__(self, django_application: Any) -> None:
        self._django = django_application
        self._api = ApiHandler()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        await server().start()
        handler = self._api if _is_api(scope["path"]) else self._django
        await handler(scope, receive, send)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        try:
            get_resolver().url_patterns  # noqa: B018 - import the views now, not in the first request
            await server().start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await server().stop()
        await send({"type": "lifespan.shutdown.complete"})


def _is_api(path: str) -> bool:
    return path in PROBE_PATHS or (path.startswith(API_PREFIX) and path != DOCS_PATH)
