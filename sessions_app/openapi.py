"""The API's description (OpenAPI 3.1): what each call takes, answers and refuses, and the stream's messages.

The views carry it (`described`); drf-spectacular puts it together, once a process.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions as drf
from rest_framework.exceptions import APIException
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from sessions_app.exceptions import (
    InvalidToken,
    KeyReused,
    NotSignedIn,
    PayloadTooLarge,
    RequestInFlight,
    SessionNotFound,
    StorageUnavailable,
    error_body,
)
from sessions_app.idempotency import HEADER, UNGUESSABLE_LENGTH
from sessions_app.serializers import Refusal

F = TypeVar("F", bound=Callable[..., Any])
Parameters = Sequence[OpenApiParameter | type[Serializer[Any]]]

SESSION_ID = OpenApiParameter("session_id", UUID, OpenApiParameter.PATH)
IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="Sent again with the same key and body, the call is not done again: it gets the first "
    "answer. Keys are a session's, or, where one is started, a user's or a visitor's; whoever is neither "
    f"sends {UNGUESSABLE_LENGTH} characters or more. What was refused may be sent again with its key.",
)
INVALID = drf.ValidationError({"a_field": ["What is wrong with it."]})
ENTRY: tuple[APIException, ...] = (InvalidToken(), NotSignedIn(), StorageUnavailable())
BODY: tuple[APIException, ...] = (
    drf.ParseError("The body is not JSON: unexpected end of data."),
    INVALID,
    drf.UnsupportedMediaType("", "Send the body as application/json, not 'text/plain'."),
    PayloadTooLarge(1024 * 1024),
)
ONCE: tuple[APIException, ...] = (RequestInFlight(), KeyReused())
SESSION: tuple[APIException, ...] = (SessionNotFound("6fa6c1f5-5d3f-4a37-9d28-1f7a54ac7a6a"),)


def described(
    summary: str,
    *,
    answers: Mapping[Any, Any],
    refused: Iterable[APIException] = (),
    body: type[Serializer[Any]] | None = None,
    parameters: Parameters = (),
    tag: str = "sessions",
    is_public: bool = False,
) -> Callable[[F], F]:
    """Describe a view: its answers by status, and an example of everything that it refuses with.

    The function's name is the operation's id, its docstring the description.
    """

    def decorate(view: F) -> F:
        describe: Callable[[F], F] = extend_schema(
            operation_id=view.__name__,
            summary=summary,
            tags=[tag],
            request=body,
            parameters=list(parameters),
            responses={**answers, **_refusals([*refused, *(() if is_public else ENTRY)])},
        )
        return describe(view)

    return decorate


def _refusals(errors: Iterable[APIException]) -> dict[int, OpenApiResponse]:
    """By status, with an example for each code that it may have."""
    by_status: dict[int, dict[str, APIException]] = {}
    for error in errors:
        by_status.setdefault(error.status_code, {})[error_body(error)["code"]] = error
    return {
        status: OpenApiResponse(
            Refusal,
            description=", ".join(f"`{code}`" for code in codes),
            examples=[
                OpenApiExample(code, value=error_body(error), status_codes=[str(status)], response_only=True)
                for code, error in codes.items()
            ],
        )
        for status, codes in by_status.items()
    }


def documented_class(views: Mapping[str, Any], *, is_guarded: bool) -> type[APIView]:
    """The views of one path in the form in which drf-spectacular looks for them. Never called."""
    members: dict[str, Any] = {method.lower(): view for method, view in views.items()}
    if not is_guarded:
        members["authentication_classes"] = []
    return type("Endpoint", (APIView,), members)


def document() -> bytes:
    """The whole description as JSON. Any thread may ask."""
    with _making:
        return _document()


# drf-spectacular is not made to be asked for the first time by two threads at once.
_making = threading.Lock()


@functools.cache
def _document() -> bytes:
    generator: Any = SchemaGenerator
    schema = generator().get_schema(request=None, public=True)
    rendered: bytes = OpenApiJsonRenderer().render(schema, renderer_context={})
    return rendered
