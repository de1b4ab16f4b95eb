"""A client that calls the ASGI application itself, in the test's own event loop.

Unlike httpx's ASGI transport it reads a stream while it is being sent, and can hang up or stall.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from channels.layers import get_channel_layer

from tests.client import Message, read_messages
from tests.deadline import until
from yera_project.asgi import application

SECONDS = 20.0


class Call:
    """One request under way. Clear `takes` to be a client that reads nothing more."""

    SCHEME = "http"

    def __init__(self, method: str, path: str, headers: dict[str, str], body: list[bytes]) -> None:
        path, _, query = path.partition("?")
        self._scope = {
            "type": "http",
            "method": method,
            "scheme": self.SCHEME,
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost")]
            + [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        self._body = body
        self._hung_up = asyncio.Event()
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()
        self.is_blocked = False
        self.task = asyncio.create_task(application(self._scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if self._body:
            part = self._body.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self._body)}
        await self._hung_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.is_blocked = not self.takes.is_set()
        await self.takes.wait()
        self.is_blocked = False
        self._sent.put_nowait(message)

    async def next_message(self) -> dict[str, Any]:
        """What the application sends next; raises what it raised instead."""
        receiving = asyncio.create_task(self._sent.get())
        await asyncio.wait({receiving, self.task}, timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not receiving.done():
            receiving.cancel()
            if self.task.done():
                await self.task
            raise AssertionError("the application sends nothing")
        return receiving.result()

    async def hang_up(self) -> None:
        """Disconnect; returns when the application has noticed."""
        self._hung_up.set()
        await asyncio.wait_for(self.task, SECONDS)


class Response:
    """A response whose head has come. Its body is read whole, or message by message."""

    def __init__(self, call: Call, head: dict[str, Any]) -> None:
        self.call = call
        self.status = int(head["status"])
        self.headers = {name.decode().lower(): value.decode() for name, value in head["headers"]}

    async def parts(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self.call.next_message()
            more = message.get("more_body", False)
            if body := message.get("body"):
                yield body
        await self.call.task

    async def read(self) -> bytes:
        return b"".join([part async for part in self.parts()])

    async def json(self) -> Any:
        return json.loads(await self.read())

    async def refusal(self) -> tuple[int, str]:
        """Status and code of a refusal, whose shape must be the one there is."""
        content = await self.read()
        body = json.loads(content)
        assert body.keys() - {"errors"} == {"detail", "code"}
        assert body["detail"].endswith(".")
        assert self.headers["content-type"] == "application/json"
        assert self.headers["content-length"] == str(len(content))
        assert self.headers["cache-control"] == "no-store"
        assert self.headers["x-content-type-options"] == "nosniff"
        return self.status, body["code"]

    async def messages(self) -> AsyncIterator[Message]:
        """The Server-Sent Events; comments and `retry` are passed over."""
        received = ""
        async for part in self.parts():
            *whole, received = (received + part.decode()).split("\n\n")
            for message in read_messages(line for block in whole for line in [*block.split("\n"), ""]):
                yield message


class AsgiClient:
    """The calls of the API; `headers` go with each of them."""

    def __init__(self, headers: dict[str, str] | None = None) -> None:
        self.headers = headers or {}

    async def call(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: list[bytes] | None = None
    ) -> Response:
        """Send a request, its body in parts as given; the response as soon as its head has come."""
        call = Call(method, path, {**self.headers, **(headers or {})}, body or [b""])
        return Response(call, await call.next_message())

    async def get(self, path: str) -> Response:
        return await self.call("GET", path)

    async def post(self, path: str, value: Any = None) -> Response:
        return await self.send("POST", path, value)

    async def send(self, method: str, path: str, value: Any) -> Response:
        """A call with a body of JSON."""
        headers = {"Content-Type": "application/json"}
        return await self.call(method, path, headers, [json.dumps(value).encode()])

    async def create(self, app_id: str) -> str:
        response = await self.post("/api/session", {"app_id": app_id})
        assert response.status == 201
        return str((await response.json())["session_id"])

    async def answer(self, session_id: str, block_id: str, value: Any, block_type: str = "text") -> Response:
        body = {"blockId": block_id, "value": value, "blockType": block_type}
        return await self.post(f"/api/session/{session_id}/interaction", body)

    @asynccontextmanager
    async def stream(
        self, session_id: str, query: str = "", headers: dict[str, str] | None = None
    ) -> AsyncIterator[Response]:
        """A stream; leaving the block hangs up."""
        response = await self.call("GET", f"/api/session/{session_id}/stream{query}", headers)
        yield response
        await response.call.hang_up()

    async def messages(
        self, session_id: str, query: str = "", headers: dict[str, str] | None = None
    ) -> list[Message]:
        """One stream's messages, read to its end."""
        async with self.stream(session_id, query, headers) as response:
            assert response.status == 200
            return [message async for message in response.messages()]


async def is_left_alone() -> bool:
    """No session's group is joined any more."""
    return await asyncio.to_thread(until, lambda: not get_channel_layer().groups)
