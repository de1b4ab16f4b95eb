"""Every refusal of the API, with its status and code; and the one shape that they are told in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.views import defaults
from rest_framework import exceptions as drf
from rest_framework.exceptions import APIException

from apps_app.events import encode_json

API_PREFIX = "/api/"
NON_FIELD_ERRORS_KEY = "non_field_errors"  # the name that DRF's serializers use


class AppNotFound(APIException):
    status_code = 404
    default_code = "app_not_found"

    def __init__(self, app_id: str) -> None:
        super().__init__(f"No active app has the id {app_id!r}; GET /api/apps lists those there are.")


class SessionNotFound(APIException):
    status_code = 404
    default_code = "session_not_found"

    def __init__(self, session_id: object) -> None:
        super().__init__(f"There is no session {str(session_id)!r}; POST /api/session starts one.")


class NotSignedIn(APIException):
    status_code = 401
    default_code = "not_signed_in"
    default_detail = (
        "This server is for signed-in users: sign in at /sign-in and send the CSRF token, "
        "or send a token as Authorization: Token KEY."
    )


class InvalidToken(APIException):
    status_code = 401
    default_code = "invalid_token"
    default_detail = "The token in the Authorization header is not, or no longer, that of an active user."


class InvalidAnswer(APIException):
    status_code = 400
    default_code = "invalid_answer"


class NotPending(APIException):
    status_code = 409
    default_code = "not_pending"


class SessionEnded(APIException):
    status_code = 409
    default_code = "session_ended"

    def __init__(self, session_id: object) -> None:
        super().__init__(f"Session {session_id} has ended; it takes no more answers.")


class RequestInFlight(APIException):
    status_code = 409
    default_code = "in_flight"
    default_detail = (
        "The first request with this Idempotency-Key is still running; send it again in a moment."
    )


class KeyReused(APIException):
    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = (
        "This Idempotency-Key came with another body before; send the same body, or a key of its own."
    )


class NotAForkPoint(APIException):
    status_code = 400
    default_code = "not_a_fork_point"

    def __init__(self, after: int, nearest: int) -> None:
        super().__init__(
            f"A session can be forked at 0, at an interaction, or where it waited, and not at {after}; "
            f"the nearest below is {nearest}."
        )


class NotDiverged(APIException):
    status_code = 409
    default_code = "not_diverged"

    def __init__(self, session_id: object) -> None:
        super().__init__(
            f"Session {session_id} is not, or no longer, diverged; only a diverged one is played again."
        )


class PayloadTooLarge(APIException):
    status_code = 413
    default_code = "payload_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request body is larger than {limit} bytes.")


class StorageUnavailable(APIException):
    status_code = 503
    default_code = "storage_unavailable"
    default_detail = (
        "The database cannot be used at the moment: its disk may be full, or another program has it locked. "
        "Send this again in a moment."
    )
    wait = 5  # seconds


class NotReady(APIException):
    status_code = 503
    default_code = "not_ready"


def error_body(error: APIException) -> dict[str, Any]:
    """A refusal as `{"detail", "code", "errors"?}`."""
    if not isinstance(error, drf.ValidationError):
        return {"detail": str(error.detail), "code": error.default_code}
    detail = error.detail if isinstance(error.detail, dict) else {NON_FIELD_ERRORS_KEY: error.detail}
    fields = {name: [str(problem) for problem in problems] for name, problems in detail.items()}
    return {"detail": _sentence(fields), "code": "invalid", "errors": fields}


def error_response(error: APIException) -> HttpResponse:
    """The response that tells of a refusal."""
    response = json_response(error_body(error), error.status_code)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Token"
    if wait := getattr(error, "wait", None):  # as DRF has it
        response["Retry-After"] = str(wait)
    return response


def _sentence(fields: dict[str, list[str]]) -> str:
    return " ".join(f"{name}: {problem}" for name, problems in fields.items() for problem in problems)


def json_response(body: Any, status: int = 200) -> HttpResponse:
    return encoded_response(encode_json(body), status)


def encoded_response(content: bytes, status: int = 200) -> HttpResponse:
    """A response of JSON that is encoded already."""
    headers = {
        "Content-Length": str(len(content)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(content, status=status, content_type="application/json", headers=headers)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: the API's shape under /api/. The traceback goes to the log alone."""
    if request.path.startswith(API_PREFIX):
        return error_response(APIException())
    response: HttpResponseServerError = defaults.server_error(request)
    return response
