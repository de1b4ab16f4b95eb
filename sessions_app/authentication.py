"""Who calls: a user by token or by Django's session cookie, else the browser by its visitor cookie.

Asks the database only where a token or a session cookie was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse, QueryDict
from rest_framework.authentication import CSRFCheck, TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from sessions_app.database import briefly_in_database, in_database
from sessions_app.exceptions import InvalidToken

VISITOR_COOKIE = "yera_visitor"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
TOKENS = TokenAuthentication()


class Scheme(StrEnum):
    TOKEN = "token"  # noqa: S105 - its name, not one
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Credential:
    """What shows who a caller is: the key of a token, or of a Django session."""

    scheme: Scheme
    key: str

    def user_id(self) -> int | None:
        """The active user that it stands for now; None once it is worth nothing. Asks the database."""
        return _user_of_token(self.key) if self.scheme is Scheme.TOKEN else _user_of_session(self.key)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `credential` is how they came to be `user_id`, `visitor` which browser they use.

    `is_operator`: the admin, whose own permissions have decided already.
    """

    user_id: int | None = None
    visitor: UUID | None = None
    credential: Credential | None = None
    is_operator: bool = False

    @property
    def anonymous(self) -> Caller:
        """The same caller without their user."""
        return replace(self, user_id=None, credential=None)

    async def today(self) -> Caller:
        """The caller as their credential makes them now. Asks the database if there is one."""
        if self.credential is None or await in_database(self.credential.user_id) == self.user_id:
            return self
        return self.anonymous


OPERATOR = Caller(is_operator=True)


async def caller_of(request: HttpRequest) -> Caller:
    """The caller of an API request; raises InvalidToken.

    A session cookie without a valid CSRF token says nothing on a request that changes something:
    another site may have made the browser send it.
    """
    visitor = _visitor(request)
    credential = _token(request) or _session(request)
    if credential is None:
        return Caller(visitor=visitor)
    user_id = await briefly_in_database(credential.user_id)
    if user_id is not None:
        return Caller(user_id, visitor, credential)
    if credential.scheme is Scheme.TOKEN:
        raise InvalidToken
    return Caller(visitor=visitor)


def _token(request: HttpRequest) -> Credential | None:
    scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return Credential(Scheme.TOKEN, key.strip()) if scheme.lower() == TOKENS.keyword.lower() else None


def _session(request: HttpRequest) -> Credential | None:
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    # A cookie's value may spell any character; PostgreSQL would refuse to look for NUL.
    is_sent = key != "" and "\0" not in key
    return Credential(Scheme.COOKIE, key) if is_sent and _is_own(request) else None


def _is_own(request: HttpRequest) -> bool:
    """Whether one of our own pages made the request, so that its cookies are meant."""
    if request.method in SAFE_METHODS:
        return True
    request.POST = QueryDict()  # the API takes no forms; the token is in the header alone
    check = CSRFCheck(HttpResponse)  # which it does not call
    check.process_request(request)
    return check.process_view(request, None, (), {}) is None  # type: ignore[arg-type]


def _visitor(request: HttpRequest) -> UUID | None:
    cookie = request.COOKIES.get(VISITOR_COOKIE)
    try:
        return None if cookie is None else UUID(cookie)
    except ValueError:
        return None


def _user_of_token(key: str) -> int | None:
    try:
        user, _ = TOKENS.authenticate_credentials(key)
    except AuthenticationFailed:
        return None
    return int(user.pk)


def _user_of_session(key: str) -> int | None:
    request: Any = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return None if user.pk is None else int(user.pk)
