"""Callers of the API as they come: users by token or by their browser's cookies."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from rest_framework.authtoken.models import Token

CSRF_TOKEN = "c" * 32

Headers = dict[str, str]


def new_user(name: str, **columns: Any) -> Any:
    """A user, without a password: hashing one takes long."""
    return get_user_model().objects.create_user(name, **columns)


def new_token(user: Any) -> str:
    """The key of a user's token."""
    return str(Token.objects.create(user=user).key)


def sign_in(user: Any) -> str:
    """The key of a new Django session of the user's."""
    browser = Client()
    browser.force_login(user)
    assert browser.session.session_key is not None
    return browser.session.session_key


def by_token(key: str) -> Headers:
    return {"Authorization": f"Token {key}"}


def by_cookie(key: str, *, with_csrf_token: bool = True, **cookies: str) -> Headers:
    """What a browser sends of itself; with the CSRF token, what a page of ours makes it send."""
    cookies = {settings.SESSION_COOKIE_NAME: key, settings.CSRF_COOKIE_NAME: CSRF_TOKEN, **cookies}
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    return {**headers, "X-CSRFToken": CSRF_TOKEN} if with_csrf_token else headers
