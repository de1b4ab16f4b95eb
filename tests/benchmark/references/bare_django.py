"""A bare Django project: async views without middleware, database or log that answer what ours answer.

It takes the same requests, reads them with a DRF serializer, and streams as many bytes. A stream with
`follow` waits in memory for the two answers of apps/turns.py.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

from django.conf import settings

settings.configure(
    SECRET_KEY="reference",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=[],
    LOGGING_CONFIG=None,
    USE_TZ=True,
)

from django.core.asgi import get_asgi_application  # noqa: E402 - needs the settings
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import serializers  # noqa: E402

application = get_asgi_application()


class Creation(serializers.Serializer):
    app_id = serializers.CharField()


class Interaction(serializers.Serializer):
    blockId = serializers.CharField()  # noqa: N815 - as clients send it
    value = serializers.JSONField()
    blockType = serializers.CharField()  # noqa: N815


CREATION, INTERACTION = Creation(), Interaction()
ECHO = {
    "event_class": "content",
    "block_type": "markdown",
    "block_id": "markdown-1",
    "data": {"content": "x"},
    "timestamp": "2026-11-25T00:00:00.000000+00:00",
    "chunk_id": 1,
    "app": {"name": "turns.turns", "instance_id": 0},
    "parent_block_id": None,
}
PROMPT = ECHO | {
    "event_class": "prompt",
    "block_type": "input_request",
    "block_id": "input_request-1",
    "data": {"type": "text", "message": "say"},
}
TURN = b"".join(
    b"id: %d\ndata: %s\n\n" % (seq, json.dumps(event, separators=(",", ":")).encode())
    for seq, event in enumerate((ECHO, PROMPT), 1)
)
answers: dict[str, asyncio.Semaphore] = {}  # by followed session


def answered(data: dict[str, str], status: int = 200) -> JsonResponse:
    response = JsonResponse(data, status=status)
    response["Content-Length"] = len(response.content)  # else it would go out in chunks
    return response


async def create(request: HttpRequest) -> JsonResponse:
    CREATION.run_validation(json.loads(request.body))
    return answered({"session_id": str(uuid.uuid4())}, 201)


async def interaction(request: HttpRequest, session_id: str) -> JsonResponse:
    INTERACTION.run_validation(json.loads(request.body))
    if session_id in answers:
        answers[session_id].release()
    return answered({"status": "received", "session_id": session_id})


async def stream(request: HttpRequest, session_id: str) -> StreamingHttpResponse:
    turns = followed(session_id) if request.GET.get("follow") == "true" else turn()
    return StreamingHttpResponse(turns, content_type="text/event-stream")


async def turn() -> AsyncIterator[bytes]:
    yield TURN


async def followed(session_id: str) -> AsyncIterator[bytes]:
    answers[session_id] = asyncio.Semaphore(0)
    try:
        yield TURN
        for _ in range(2):
            await answers[session_id].acquire()
            yield TURN
    finally:
        del answers[session_id]


async def cancel(request: HttpRequest, session_id: str) -> JsonResponse:
    return answered({"session_id": session_id})


urlpatterns = [
    path("api/session", create),
    path("api/session/<str:session_id>/interaction", interaction),
    path("api/session/<str:session_id>/stream", stream),
    path("api/session/<str:session_id>/cancel", cancel),
]
