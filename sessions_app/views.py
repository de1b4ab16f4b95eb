"""The API's views: parse, call one function, serialise."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import NotFound

from apps_app.models import App
from sessions_app import event_log, lifecycle
from sessions_app.authentication import VISITOR_COOKIE, Caller
from sessions_app.database import in_database
from sessions_app.exceptions import AppNotFound, encoded_response, error_response, json_response
from sessions_app.parsing import body_of, query_of, resume_point
from sessions_app.permissions import own_sessions
from sessions_app.serializers import (
    AppDetail,
    AppSummary,
    CursorField,
    EventsQuery,
    SessionCreateRequest,
    SessionListQuery,
    SessionRename,
    SessionState,
    SessionSummary,
    UserInteraction,
)
from sessions_app.stream import open_stream

VISITOR_COOKIE_SECONDS = 365 * 24 * 3600

# Kept, since making a serializer copies all its fields: four times the cost of validating.
CREATE_REQUEST = SessionCreateRequest()
USER_INTERACTION = UserInteraction()
RENAME = SessionRename()
LIST_QUERY = SessionListQuery()
EVENTS_QUERY = EventsQuery()


async def create_session(request: HttpRequest, caller: Caller) -> HttpResponse:
    data = body_of(request, CREATE_REQUEST)
    session = await lifecycle.create_session(caller, data["app_id"])
    response = json_response({"session_id": str(session.id)}, 201)
    if session.visitor != caller.visitor and session.visitor is not None:
        response.set_cookie(
            VISITOR_COOKIE,
            str(session.visitor),
            max_age=VISITOR_COOKIE_SECONDS,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    return response


async def list_sessions(request: HttpRequest, caller: Caller) -> HttpResponse:
    query = query_of(request, LIST_QUERY)
    filters = {name: query[name] for name in ("status", "app_id") if name in query}
    newest_first = own_sessions(caller).filter(**filters).newest_first(query.get("cursor"))
    limit = query["limit"]
    sessions = await in_database(lambda: list(newest_first.summarised()[: limit + 1]))
    following = CursorField().to_representation(sessions[limit - 1]) if len(sessions) > limit else None
    return json_response({"sessions": SessionSummary(sessions[:limit], many=True).data, "next": following})


async def session_detail(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    return json_response(SessionState(await lifecycle.find_session(caller, session_id)).data)


async def rename_session(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    session = await lifecycle.find_session(caller, session_id)
    data = body_of(request, RENAME)
    return json_response(SessionState(await lifecycle.rename(caller, str(session.id), data["title"])).data)


async def delete_session(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    await lifecycle.delete(caller, session_id)
    return HttpResponse(status=204)


async def stream_session(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponseBase:
    key = lifecycle.session_key(session_id)
    follow = request.GET.get("follow") == "true"
    stream = await open_stream(caller, key, resume_point(request), follow=follow)
    if stream is None:
        return HttpResponse(status=204)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers=headers)


async def add_interaction(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    data = body_of(request, USER_INTERACTION)
    key = await lifecycle.answer(caller, session_id, data["blockId"], data["blockType"], data["value"])
    return json_response({"status": "received", "session_id": str(key)})


async def list_events(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    query = query_of(request, EVENTS_QUERY)
    session = await lifecycle.find_session(caller, session_id)
    entries = await in_database(event_log.read_shown, session.id, query["after"], query["limit"])
    # The payloads are JSON already, and may be many: they are joined, not read and written again.
    events = b",".join(
        b'{"seq":%d,"kind":"%s",%s' % (entry.seq, entry.kind.encode(), entry.payload[1:]) for entry in entries
    )
    return encoded_response(b'{"events":[%s],"last_seq":%d}' % (events, session.last_seq))


async def cancel_session(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    return json_response(SessionState(await lifecycle.cancel(caller, session_id)).data)


async def list_apps(request: HttpRequest, caller: Caller) -> HttpResponse:
    apps = await in_database(lambda: list(App.objects.runnable()))
    return json_response({"apps": AppSummary(apps, many=True).data})


async def app_detail(request: HttpRequest, caller: Caller, app_id: str) -> HttpResponse:
    app = None if "\0" in app_id else await in_database(App.objects.runnable().filter(id=app_id).first)
    if app is None:
        raise AppNotFound(app_id)
    return json_response(AppDetail(app).data)


async def deploy_config(request: HttpRequest) -> HttpResponse:
    return json_response({"deploy_available": False})


@csrf_exempt
async def unknown(request: HttpRequest, rest: str) -> HttpResponse:
    """Any other path under /api/, by any method."""
    return error_response(NotFound(f"There is nothing at {request.path}; the README lists the calls."))
