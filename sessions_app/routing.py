"""One path, a view for each of its methods; whatever they refuse is told in the one shape."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.log import log_response
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException, MethodNotAllowed, ParseError

from sessions_app.authentication import caller_of
from sessions_app.database import UNAVAILABLE
from sessions_app.exceptions import StorageUnavailable, error_response
from sessions_app.openapi import documented_class
from sessions_app.permissions import check_entry

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def guarded(**views: View) -> View:
    """Views by method, called with the request, its caller and what is in the path.

    Raises what is not to be let in (`permissions.check_entry`).
    """

    async def call(view: View, request: HttpRequest, **arguments: str) -> HttpResponseBase:
        caller = await caller_of(request)
        check_entry(caller)
        return await view(request, caller, **arguments)

    return _endpoint(views, call, is_guarded=True)


def public(**views: View) -> View:
    """Views by method, called with the request and what is in the path, whoever it is that calls."""

    async def call(view: View, request: HttpRequest, **arguments: str) -> HttpResponseBase:
        return await view(request, **arguments)

    return _endpoint(views, call, is_guarded=False)


def _endpoint(views: dict[str, View], call: View, *, is_guarded: bool) -> View:
    # Exempt from Django's CSRF refusal: a call without a valid token counts as anonymous.
    @csrf_exempt
    async def endpoint(request: HttpRequest, **arguments: str) -> HttpResponseBase:
        try:
            if request.method not in views:
                raise MethodNotAllowed(str(request.method))
            return await call(views[request.method], request, **arguments)
        except MethodNotAllowed as error:
            response = error_response(error)
            response["Allow"] = ", ".join(views)
            return response
        except APIException as error:
            return error_response(error)
        except SuspiciousOperation as error:  # a query of thousands of fields
            return error_response(ParseError(f"{error}"))
        except UNAVAILABLE as error:
            response = error_response(StorageUnavailable())
            message = "The database did not let it be done: %s %s: %s"
            log_response(message, request.method, request.path, error, response=response, request=request)
            return response

    described: Any = endpoint
    described.methods = tuple(views)
    # Where drf-spectacular looks.
    described.cls, described.initkwargs = documented_class(views, is_guarded=is_guarded), {}
    return endpoint
