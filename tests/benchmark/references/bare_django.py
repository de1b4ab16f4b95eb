"""A bare Django project: async views without middleware, database or log that answer what ours answer.

It takes the same requests, reads them with a DRF serializer, and streams as many bytes.
"""

from __future__ import annotations

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
EVENT = {
    "event_class": "prompt",
    "block_type": "input_request",
    "block_id": "input_request-1",
    "data": {"type": "text", "message": "say"},
    "timestamp": "2026-11-25T00:00:00.000000+00:00",
    "chunk_id": 1,
    "app": {"name": "turns.turns", "instance_id": 0},
    "parent_block_id": None,
}
TURN = b"".join(b"id: %d\ndata: %s\n\n" % (seq, json.dumps(EVENT).encode()) for seq in (1, 2))


async def create(request: HttpRequest) -> JsonResponse:
    CREATION.run_validation(json.loads(request.body))
    return JsonResponse({"session_id": str(uuid.uuid4())}, status=201)


async def interaction(request: HttpRequest, session_id: str) -> JsonResponse:
    INTERACTION.run_validation(json.loads(request.body))
    return JsonResponse({"status": "received", "session_id": session_id})


async def stream(request: HttpRequest, session_id: str) -> StreamingHttpResponse:
    async def turn() -> AsyncIterator[bytes]:
        yield TURN

    return StreamingHttpResponse(turn(), content_type="text/event-stream")


urlpatterns = [
    path("api/session", create),
    path("api/session/<str:session_id>/interaction", interaction),
    path("api/session/<str:session_id>/stream", stream),
]
