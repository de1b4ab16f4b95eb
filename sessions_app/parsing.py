"""Reading what a request carries; whatever is wrong with it raises the refusal that fits."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.serializers import Serializer

MAX_DIGITS = 1000  # Python refuses to read much longer numbers


def body_of(request: HttpRequest, serializer: Serializer[Any]) -> dict[str, Any]:
    """The JSON body as the serializer reads it; raises UnsupportedMediaType, ParseError, ValidationError."""
    if request.content_type != "application/json":
        raise UnsupportedMediaType("", f"Send the body as application/json, not {request.content_type!r}.")
    try:
        data = orjson.loads(request.read())  # not `body`, which has a limit of its own
    except orjson.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: {error}.") from error
    return dict(serializer.run_validation(data))


def query_of(request: HttpRequest, serializer: Serializer[Any]) -> dict[str, Any]:
    """The query as the serializer reads it, the last of each name; raises ValidationError."""
    return dict(serializer.run_validation(request.GET.dict()))


def resume_point(request: HttpRequest) -> int | None:
    """The seq to stream from: `Last-Event-ID`, else `?after=`; malformed counts as 0, none as None."""
    raw = request.headers.get("Last-Event-ID", request.GET.get("after"))
    if raw is None:
        return None
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= MAX_DIGITS else 0
