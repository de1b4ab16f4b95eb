"""The API's views: parse, call one function, serialise."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import (
    APIException,
    MethodNotAllowed,
    NotFound,
    ParseError,
    UnsupportedMediaType,
)
from rest_framework.serializers import Serializer

from apps_app.models import App
from sessions_app import lifecycle
from sessions_app.database import in_database
from sessions_app.exceptions import NotReady, SessionNotFound, error_response, json_response
from sessions_app.notifications import check_layer
from sessions_app.serializers import (
    AppSummary,
    SessionCreateRequest,
    SessionState,
    UserInteraction,
)
from sessions_app.server import server
from sessions_app.stream import open_stream

log = logging.getLogger(__name__)

SERVICE = "yera-sessions"
MAX_DIGITS = 1000  # Python refuses to read much longer numbers

# Kept, since making a serializer copies all its fields: four times the cost of validating.
CREATE_REQUEST = SessionCreateRequest()
USER_INTERACTION = UserInteraction()

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def api(*methods: str) -> Callable[[View], View]:
    """A JSON view: other methods are 405, and every refusal has the one shape.

    Exempt from Django's CSRF refusal: an API call without a valid token counts as anonymous.
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        async def checked(request: HttpRequest, **arguments: str) -> HttpResponseBase:
            try:
                if request.method not in methods:
                    raise MethodNotAllowed(str(request.method))
                return await view(request, **arguments)
            except MethodNotAllowed as error:
                response = error_response(error)
                response["Allow"] = ", ".join(methods)
                return response
            except APIException as error:
                return error_response(error)

        return checked

    return decorate


@api("POST")
async def create_session(request: HttpRequest) -> HttpResponse:
    data = validated(CREATE_REQUEST, request)
    session_id = await lifecycle.create_session(data["app_id"])
    return json_response({"session_id": str(session_id)}, 201)


@api("POST")
async def add_interaction(request: HttpRequest, session_id: str) -> HttpResponse:
    data = validated(USER_INTERACTION, request)
    key = await lifecycle.answer(session_id, data["blockId"], data["blockType"], data["value"])
    return json_response({"status": "received", "session_id": str(key)})


@api("GET")
async def stream_session(request: HttpRequest, session_id: str) -> HttpResponseBase:
    key = lifecycle.session_key(session_id)
    follow = request.GET.get("follow") == "true"
    try:
        stream = await open_stream(key, resume_point(request), follow=follow)
    except LookupError as error:
        raise SessionNotFound(session_id) from error
    if stream is None:
        return HttpResponse(status=204)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers=headers)


@api("GET")
async def session_detail(request: HttpRequest, session_id: str) -> HttpResponse:
    return json_response(SessionState(await lifecycle.find_session(session_id)).data)


@api("POST")
async def cancel_session(request: HttpRequest, session_id: str) -> HttpResponse:
    return json_response(SessionState(await lifecycle.cancel(session_id)).data)


@api("GET")
async def list_apps(request: HttpRequest) -> HttpResponse:
    apps = await in_database(lambda: list(App.objects.runnable()))
    return json_response({"apps": AppSummary(apps, many=True).data})


@api("GET")
async def deploy_config(request: HttpRequest) -> HttpResponse:
    return json_response({"deploy_available": False})


@csrf_exempt
async def unknown(request: HttpRequest, rest: str) -> HttpResponse:
    """Any other path under /api/, by any method."""
    return error_response(NotFound(f"There is nothing at {request.path}; the README lists the calls."))


@api("GET")
async def health(request: HttpRequest) -> HttpResponse:
    """The process is alive; asks nothing of database or runner."""
    return json_response({"status": "healthy", "service": SERVICE})


@api("GET")
async def ready(request: HttpRequest) -> HttpResponse:
    """A session could be played now: database and channel layer answer, and a runner reports."""
    try:
        await in_database(database_answers)
        await check_layer()
    except Exception as error:
        log.exception("Not ready.")
        raise NotReady(f"{type(error).__name__}: database or channel layer do not answer.") from error
    if problem := server().dispatch.problem:
        raise NotReady(problem)
    return json_response({"status": "ready", "service": SERVICE})


def database_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def validated(serializer: Serializer[Any], request: HttpRequest) -> dict[str, Any]:
    """The request's body as the serializer reads it; raises the refusal that fits."""
    if request.content_type != "application/json":
        raise UnsupportedMediaType("", f"Send the body as application/json, not {request.content_type!r}.")
    try:
        data = orjson.loads(request.read())  # not `body`, which has a limit of its own
    except orjson.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: {error}.") from error
    return dict(serializer.run_validation(data))


def resume_point(request: HttpRequest) -> int | None:
    """The seq to stream from: `Last-Event-ID`, else `?after=`; malformed counts as 0, none as None."""
    raw = request.headers.get("Last-Event-ID", request.GET.get("after"))
    if raw is None:
        return None
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= MAX_DIGITS else 0
