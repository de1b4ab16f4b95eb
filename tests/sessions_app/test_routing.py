"""One path, a view for each method: which view is called, and how refusals are told."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory
from rest_framework.exceptions import PermissionDenied

from sessions_app.authentication import VISITOR_COOKIE, Caller
from sessions_app.exceptions import json_response
from sessions_app.openapi import described
from sessions_app.routing import guarded, public
from tests.sessions_app.asgi_client import AsgiClient

UNKNOWN = str(uuid.uuid4())
VISITOR = uuid.UUID(int=1)


@described("What it was called with", answers={200: None})
async def echo(request: HttpRequest, caller: Caller, name: str = "") -> HttpResponse:
    return json_response([name, str(caller.visitor)])


@described("What it was called with", answers={200: None}, is_public=True)
async def greet(request: HttpRequest, name: str = "") -> HttpResponse:
    return json_response(name)


@described("Nothing", answers={200: None}, is_public=True)
async def refuse(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("Not that.")


@described("Nothing", answers={200: None}, is_public=True)
async def lose(request: HttpRequest) -> HttpResponse:
    raise OperationalError("disk I/O error")


@described("Nothing", answers={200: None}, is_public=True)
async def break_rule(request: HttpRequest) -> HttpResponse:
    raise IntegrityError("NOT NULL constraint failed")


def requested(method: str = "GET", path: str = "/", **headers: str) -> Any:
    return AsyncRequestFactory().generic(method, path, headers=headers)


async def test_guarded_view_is_told_who_calls() -> None:
    browser = AsyncRequestFactory()
    browser.cookies[VISITOR_COOKIE] = str(VISITOR)
    request: Any = browser.get("/")
    response: Any = await guarded(GET=echo)(request, name="you")
    assert json.loads(response.content) == ["you", str(VISITOR)]


async def test_guarded_view_is_not_called_for_whom_the_server_is_not_open(settings: Any) -> None:
    settings.YERA_ACCESS = "login"
    response: Any = await guarded(GET=echo)(requested())
    assert (response.status_code, json.loads(response.content)["code"]) == (401, "not_signed_in")
    response = await public(GET=greet)(requested(), name="you")
    assert (response.status_code, response.content) == (200, b'"you"')


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "TRACE", "PURGE"])
async def test_method_without_a_view_is_refused_whoever_calls(settings: Any, method: str) -> None:
    settings.YERA_ACCESS = "login"
    response: Any = await guarded(GET=echo, PATCH=echo)(requested(method, Authorization="Token none"))
    assert (response.status_code, response["Allow"]) == (405, "GET, PATCH")


async def test_what_a_view_refuses_is_told_in_the_one_shape() -> None:
    response: Any = await public(GET=refuse)(requested())
    assert (response.status_code, json.loads(response.content)) == (
        403,
        {"detail": "Not that.", "code": "permission_denied"},
    )


async def test_database_that_cannot_be_used_is_told_as_that(caplog: pytest.LogCaptureFixture) -> None:
    response: Any = await public(GET=lose)(requested(path="/lost"))
    assert (response.status_code, json.loads(response.content)["code"]) == (503, "storage_unavailable")
    assert "GET /lost: disk I/O error" in caplog.text


async def test_error_of_ours_is_not_told_as_the_database_s() -> None:
    with pytest.raises(IntegrityError):
        await public(GET=break_rule)(requested())


def test_django_leaves_forgery_to_the_endpoint() -> None:
    endpoint: Any = guarded(POST=echo)
    assert endpoint.csrf_exempt


# The API's own routes.

CALLS = [
    (["GET", "POST"], "/api/session"),
    (["GET", "PATCH", "DELETE"], f"/api/session/{UNKNOWN}"),
    (["GET"], f"/api/session/{UNKNOWN}/stream"),
    (["POST"], f"/api/session/{UNKNOWN}/interaction"),
    (["GET"], f"/api/session/{UNKNOWN}/events"),
    (["POST"], f"/api/session/{UNKNOWN}/cancel"),
    (["GET"], "/api/apps"),
    (["GET"], "/api/apps/any"),
    (["GET"], "/api/deploy-config"),
    (["GET"], "/health"),
    (["GET"], "/ready"),
]


@pytest.mark.parametrize(("methods", "path"), CALLS)
async def test_other_methods_are_refused(client: AsgiClient, methods: list[str], path: str) -> None:
    for other in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - set(methods):
        response = await client.call(other, path)
        assert await response.refusal() == (405, "method_not_allowed")
        assert response.headers["allow"] == ", ".join(methods)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api//",
        "/api/nothing",
        "/api/session/",
        f"/api/session/{UNKNOWN}/nothing",
        "/api/line\nbreak",
        "/api/\r\n",
        "/api/\0",
    ],
)
async def test_unknown_path(client: AsgiClient, method: str, path: str) -> None:
    assert await (await client.call(method, path)).refusal() == (404, "not_found")


@pytest.mark.parametrize(
    "path", ["/api/session", f"/api/session/{UNKNOWN}/stream", f"/api/session/{UNKNOWN}/events"]
)
async def test_query_of_thousands_of_fields(client: AsgiClient, path: str) -> None:
    query = "&".join(f"field{number}=1" for number in range(2000))
    assert await (await client.get(f"{path}?{query}")).refusal() == (400, "parse_error")


async def test_unknown_path_outside_the_api_is_a_page(client: AsgiClient) -> None:
    response = await client.get("/nothing")
    assert (response.status, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
