"""The ASGI handler of the session API: Django's request, URL conf and views, without its threads.

Django's own handler keeps a thread for each request until its response ends, and so for each
open stream. The API's views and middleware are async and go to the database through
`database.in_database`, so they need none.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.core.exceptions import DisallowedHost, RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from rest_framework.exceptions import APIException, ParseError

from sessions_app.conf import conf
from sessions_app.exceptions import PayloadTooLarge, error_response
from sessions_app.send_deadline import SendDeadline

log = logging.getLogger(__name__)


class ApiRequest(ASGIRequest):
    """A request whose content type may be any text; Django's own raises for some parameters."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type = meta.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        self.content_params = {}


class ApiHandler(ASGIHandler):
    """Serves requests with CORS as the only middleware."""

    request_class = ApiRequest

    _get_response_async: Callable[[HttpRequest], Awaitable[HttpResponseBase]]

    def load_middleware(self, is_async: bool = True) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        get_response: Any = convert_exception_to_response(self._get_response_async)
        self._middleware_chain = convert_exception_to_response(CorsMiddleware(get_response))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        set_script_prefix(get_script_prefix(scope))
        try:
            with await self.read_body(receive) as body:
                response = await self._response(scope, body)
        except RequestAborted:
            return
        except PayloadTooLarge as error:
            response = await self._refusal(scope, error)
        try:
            if response.streaming:
                await self._stream(response, receive, send)
            else:
                await self.send_response(response, send)
        finally:
            # Not response.close(): it also tells Django to close the database connections of the
            # thread it is called in, and this one, the event loop's, must never have any.
            for close in response._resource_closers:
                close()

    async def read_body(self, receive: Any) -> io.BytesIO:
        """The request's body, in memory; raises PayloadTooLarge as soon as it is larger than allowed."""
        body = io.BytesIO()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            body.write(message.get("body", b""))
            if body.tell() > conf.max_body_bytes:
                raise PayloadTooLarge(conf.max_body_bytes)
            more = message.get("more_body", False)
        body.seek(0)
        return body

    async def _response(self, scope: Any, body: io.BytesIO) -> Any:
        request, refusal = self.create_request(scope, body)
        if request is not None:
            try:
                request.get_host()  # what Django's CommonMiddleware does against foreign host names
            except DisallowedHost as error:
                return await self._refusal(scope, ParseError(str(error)))
        return await self.run_get_response(request) if request is not None else refusal

    async def _refusal(self, scope: Any, error: APIException) -> Any:
        """A refusal without asking a view, that a page from another origin can read too."""
        request, bad_request = self.create_request(scope, io.BytesIO())

        async def refuse(request: HttpRequest) -> HttpResponse:
            return error_response(error)

        with_cors: Any = CorsMiddleware(refuse)
        return await with_cors(request) if request is not None else bad_request

    async def _stream(self, response: HttpResponseBase, receive: Any, send: Any) -> None:
        """Send until the stream ends or the client is gone, or takes nothing for too long."""
        deadline = SendDeadline(send, conf.send_timeout_seconds)
        sending = asyncio.create_task(self.send_response(response, deadline.send))
        deadline.watch(sending)
        listening = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            listening.cancel()
            results = await asyncio.gather(sending, listening, return_exceptions=True)
        if deadline.has_passed:
            log.info("Closed a stream whose client took nothing for %s s.", conf.send_timeout_seconds)
        elif isinstance(results[0], Exception):
            raise results[0]
