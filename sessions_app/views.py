"""The API's views: parse, call one function, serialise."""

from __future__ import annotations

import asyncio

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework.exceptions import NotFound

from apps_app.models import App
from sessions_app import lifecycle, log_reading
from sessions_app.authentication import VISITOR_COOKIE, Caller
from sessions_app.database import in_database
from sessions_app.exceptions import (
    AppNotFound,
    InvalidAnswer,
    NotAForkPoint,
    NotDiverged,
    NotPending,
    SessionEnded,
    encoded_response,
    error_response,
    json_response,
)
from sessions_app.idempotency import idempotency_key
from sessions_app.models import Session
from sessions_app.openapi import (
    BODY,
    IDEMPOTENCY_KEY,
    INVALID,
    ONCE,
    SESSION,
    SESSION_ID,
    described,
    document,
)
from sessions_app.openapi_events import EVENTS_ANSWER, STREAM_ANSWERS, STREAM_PARAMETERS
from sessions_app.parsing import body_of, query_of, resume_point
from sessions_app.permissions import own_sessions
from sessions_app.serializers import (
    AddInteractionResponse,
    AppDetail,
    AppPage,
    AppSummary,
    CreateSessionResponse,
    CursorField,
    DeployConfig,
    EventsQuery,
    SessionCreateRequest,
    SessionForkRequest,
    SessionListQuery,
    SessionPage,
    SessionRename,
    SessionState,
    SessionSummary,
    UserInteraction,
)
from sessions_app.stream import open_stream

VISITOR_COOKIE_SECONDS = 365 * 24 * 3600

# Kept, since making a serializer copies all its fields: four times the cost of validating.
CREATE_REQUEST = SessionCreateRequest()
FORK_REQUEST = SessionForkRequest()
USER_INTERACTION = UserInteraction()
RENAME = SessionRename()
LIST_QUERY = SessionListQuery()
EVENTS_QUERY = EventsQuery()


@described(
    "Start a session",
    body=SessionCreateRequest,
    parameters=[IDEMPOTENCY_KEY],
    answers={201: CreateSessionResponse},
    refused=[*BODY, *ONCE, AppNotFound("no.such.app")],
)
async def create_session(request: HttpRequest, caller: Caller) -> HttpResponse:
    data = body_of(request, CREATE_REQUEST)
    session = await lifecycle.create_session(caller, data["app_id"], idempotency_key=idempotency_key(request))
    return _new_session_response(request, caller, session)


def _new_session_response(request: HttpRequest, caller: Caller, session: Session) -> HttpResponse:
    """What a caller is told of their new session; a browser that had no visitor's id is given one."""
    response = json_response({"session_id": str(session.id)}, 201)
    if session.visitor != caller.visitor and session.visitor is not None:
        response.set_cookie(
            VISITOR_COOKIE,
            str(session.visitor),
            max_age=VISITOR_COOKIE_SECONDS,
            secure=request.is_secure() or settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


@described(
    "The caller's sessions, newest first",
    parameters=[SessionListQuery],
    answers={200: SessionPage},
    refused=[INVALID],
)
async def list_sessions(request: HttpRequest, caller: Caller) -> HttpResponse:
    query = query_of(request, LIST_QUERY)
    sessions = own_sessions(caller)
    if "status" in query:
        sessions = sessions.filter(status=query["status"])
    if "app_id" in query:
        sessions = sessions.picking_app(query["app_id"])
    newest_first = sessions.newest_first(query.get("cursor"))
    limit = query["limit"]
    rows = await in_database(lambda: list(newest_first.summarised()[: limit + 1]))
    following = CursorField().to_representation(rows[limit - 1]) if len(rows) > limit else None
    return json_response({"sessions": SessionSummary(rows[:limit], many=True).data, "next": following})


@described("How a session stands", parameters=[SESSION_ID], answers={200: SessionState}, refused=SESSION)
async def session_detail(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    return json_response(SessionState(await lifecycle.find_session(caller, session_id)).data)


@described(
    "Rename a session",
    body=SessionRename,
    parameters=[SESSION_ID],
    answers={200: SessionState},
    refused=[*BODY, *SESSION],
)
async def rename_session(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    session = await lifecycle.find_session(caller, session_id)
    data = body_of(request, RENAME)
    return json_response(SessionState(await lifecycle.rename(caller, str(session.id), data["title"])).data)


@described(
    "End a session and its streams, and remove it with its log",
    parameters=[SESSION_ID],
    answers={204: OpenApiResponse(description="It is gone.")},
    refused=SESSION,
)
async def delete_session(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    await lifecycle.delete(caller, session_id)
    return HttpResponse(status=204)


@described(
    "Stream a session as Server-Sent Events",
    parameters=STREAM_PARAMETERS,
    answers=STREAM_ANSWERS,
    refused=SESSION,
)
async def stream_session(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponseBase:
    """Without a resume point from the current turn's start. A stream ends where the session pauses, or,
    with `follow`, at its exit; `follow` also brings the named messages.
    """
    key = lifecycle.session_key(session_id)
    follow = request.GET.get("follow") == "true"
    stream = await open_stream(caller, key, resume_point(request), follow=follow)
    if stream is None:
        return HttpResponse(status=204)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers=headers)


@described(
    "Answer what a session asks",
    body=UserInteraction,
    parameters=[SESSION_ID, IDEMPOTENCY_KEY],
    answers={200: AddInteractionResponse},
    refused=[
        *BODY,
        *ONCE,
        *SESSION,
        InvalidAnswer("date-1 expects a date as YYYY-MM-DD, not 'soon'."),
        NotPending("date-1 is not waiting for an answer; the session waits for nothing."),
        SessionEnded("6fa6c1f5-5d3f-4a37-9d28-1f7a54ac7a6a"),
    ],
)
async def add_interaction(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    data = body_of(request, USER_INTERACTION)
    key = await lifecycle.answer(
        caller,
        session_id,
        data["blockId"],
        data["blockType"],
        data["value"],
        idempotency_key=idempotency_key(request),
    )
    return json_response({"status": "received", "session_id": str(key)})


@described(
    "What was shown and said",
    parameters=[SESSION_ID, EventsQuery],
    answers={200: EVENTS_ANSWER},
    refused=[INVALID, *SESSION],
)
async def list_events(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    query = query_of(request, EVENTS_QUERY)
    session = await lifecycle.find_session(caller, session_id)
    # What was committed since the row was read is left to the next call, whose `last_seq` tells of it.
    entries = await in_database(
        log_reading.read_shown, session.id, query["after"], session.last_seq, query["limit"]
    )
    # The payloads are JSON already, and may be many: they are joined, not read and written again.
    events = b",".join(
        b'{"seq":%d,"kind":"%s",%s' % (entry.seq, entry.kind.encode(), entry.payload[1:]) for entry in entries
    )
    return encoded_response(b'{"events":[%s],"last_seq":%d}' % (events, session.last_seq))


@described("End a session", body=None, parameters=[SESSION_ID], answers={200: SessionState}, refused=SESSION)
async def cancel_session(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    return json_response(SessionState(await lifecycle.cancel(caller, session_id)).data)


@described(
    "Fork a session at an earlier point",
    body=SessionForkRequest,
    parameters=[SESSION_ID],
    answers={201: CreateSessionResponse},
    refused=[*BODY, *SESSION, AppNotFound("no.such.app"), NotAForkPoint(7, 5)],
)
async def fork_session(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    """A new session of the caller's, whose log begins as this one's up to `after`: 0, an interaction, or
    an entry at which the session waited.
    """
    data = body_of(request, FORK_REQUEST)
    return _new_session_response(request, caller, await lifecycle.fork(caller, session_id, data["after"]))


@described(
    "Play a diverged session again",
    body=None,
    parameters=[SESSION_ID],
    answers={200: SessionState},
    refused=[*SESSION, NotDiverged("6fa6c1f5-5d3f-4a37-9d28-1f7a54ac7a6a")],
)
async def retry_session(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    return json_response(SessionState(await lifecycle.retry(caller, session_id)).data)


@described("The apps that can be started", answers={200: AppPage}, tag="apps")
async def list_apps(request: HttpRequest, caller: Caller) -> HttpResponse:
    apps = await in_database(lambda: list(App.objects.runnable()))
    return json_response({"apps": AppSummary(apps, many=True).data})


@described("One app", answers={200: AppDetail}, refused=[AppNotFound("no.such.app")], tag="apps")
async def app_detail(request: HttpRequest, caller: Caller, app_id: str) -> HttpResponse:
    app = None if "\0" in app_id else await in_database(App.objects.runnable().filter(id=app_id).first)
    if app is None:
        raise AppNotFound(app_id)
    return json_response(AppDetail(app).data)


@described("For old clients", answers={200: DeployConfig}, tag="server", is_public=True)
async def deploy_config(request: HttpRequest) -> HttpResponse:
    return json_response({"deploy_available": False})


@described("This description", answers={200: OpenApiTypes.OBJECT}, tag="server", is_public=True)
async def schema(request: HttpRequest) -> HttpResponse:
    return encoded_response(await asyncio.to_thread(document))


@csrf_exempt
async def unknown(request: HttpRequest, rest: str) -> HttpResponse:
    """Any other path under /api/, by any method."""
    return error_response(NotFound(f"There is nothing at {request.path}; the README lists the calls."))
