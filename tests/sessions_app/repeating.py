"""Requests that are sent again with one `Idempotency-Key`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from sessions_app.authentication import VISITOR_COOKIE
from sessions_app.database import in_database
from sessions_app.idempotency import HEADER, KeysInFlight
from sessions_app.models import Session
from tests.sessions_app.asgi_client import AsgiClient, Response
from tests.sessions_app.callers import Headers
from tests.sessions_app.playing import APP_ID, entries

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
