"""Refusals and answers as JSON: one shape, and nothing that a cache or a browser makes more of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import APIException, MethodNotAllowed, ValidationError

from sessions_app.exceptions import (
    AppNotFound,
    InvalidToken,
    NotSignedIn,
    PayloadTooLarge,
    SessionNotFound,
    StorageUnavailable,
    encoded_response,
    error_response,
    json_response,
    server_error,
)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (AppNotFound("a"), 404, "app_not_found"),
        (SessionNotFound("a"), 404, "session_not_found"),
        (NotSignedIn(), 401, "not_signed_in"),
        (InvalidToken(), 401, "invalid_token"),
        (PayloadTooLarge(7), 413, "payload_too_large"),
        (StorageUnavailable(), 503, "storage_unavailable"),
        (MethodNotAllowed("GET"), 405, "method_not_allowed"),
        (ValidationError("Not so."), 400, "invalid"),
        (ValidationError({"a": ["Not so."]}), 400, "invalid"),
    ],
)
def test_refusal(error: APIException, status: int, code: str) -> None:
    response = error_response(error)
    body = json.loads(response.content)
    assert (response.status_code, body["code"]) == (status, code)
    assert body["detail"].endswith(".")
    assert ("errors" in body) == isinstance(error, ValidationError)
    assert response.get("WWW-Authenticate") == ("Token" if status == 401 else None)
    assert response.get("Retry-After") == ("5" if status == 503 else None)


def test_what_does_not_validate_is_told_field_by_field() -> None:
    response = error_response(ValidationError({"a": ["Too long.", "Too loud."], "b": ["Missing."]}))
    assert json.loads(response.content) == {
        "detail": "a: Too long. a: Too loud. b: Missing.",
        "code": "invalid",
        "errors": {"a": ["Too long.", "Too loud."], "b": ["Missing."]},
    }


@pytest.mark.parametrize(
    "response",
    [json_response({"a": "\xe9"}), json_response({"a": "\xe9"}, 201), encoded_response(b'{"a":"\xc3\xa9"}')],
)
def test_answer_is_json_that_nobody_keeps_or_sniffs(response: Any) -> None:
    assert json.loads(response.content) == {"a": "\xe9"}
    assert dict(response.items()) == {
        "Content-Type": "application/json",
        "Content-Length": str(len(response.content)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


def test_fault_of_ours_has_the_one_shape_under_the_api_alone() -> None:
    fault = server_error(RequestFactory().get("/api/apps"))
    assert (fault.status_code, json.loads(fault.content)["code"]) == (500, "error")
    page = server_error(RequestFactory().get("/"))
    assert (page.status_code, page["Content-Type"].partition(";")[0]) == (500, "text/html")
