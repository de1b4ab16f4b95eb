"""Who calls: what each credential is worth, alone, broken, outdated, forged, and beside another."""

from __future__ import annotations

import datetime
import io
import uuid
from typing import Any

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone
from rest_framework.authtoken.models import Token

from sessions_app.asgi_handler import ApiRequest
from sessions_app.authentication import OPERATOR, VISITOR_COOKIE, Caller, Credential, Scheme, caller_of
from sessions_app.database import in_database
from sessions_app.exceptions import InvalidToken
from tests.sessions_app.callers import (
    CSRF_TOKEN,
    Headers,
    by_cookie,
    by_token,
    new_token,
    new_user,
    sign_in,
)

VISITOR = uuid.UUID(int=1)
PAGE = "https://page.example"
NOT_SENT = ""


def request(headers: Headers, method: str = "GET", scheme: str = "http", body: bytes = b"") -> ApiRequest:
    scope = {
        "type": "http",
        "method": method,
        "path": "/api/session",
        "scheme": scheme,
        "headers": [(b"host", b"localhost")]
        + [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    return ApiRequest(scope, io.BytesIO(body))


async def user_of(headers: Headers, method: str = "GET", scheme: str = "http") -> int | None:
    return (await caller_of(request(headers, method, scheme))).user_id


@pytest.fixture
async def user(database: None) -> Any:
    return await in_database(new_user, "ada")


@pytest.fixture
async def token(user: Any) -> str:
    return str(await in_database(new_token, user))


@pytest.fixture
async def session_key(user: Any) -> str:
    return str(await in_database(sign_in, user))


# Nobody.


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_a_credential_nobody_is_asked_for(
    database: None, queries: list[str], method: str
) -> None:
    assert await caller_of(request({}, method)) == Caller()
    visiting = {"Cookie": f"{VISITOR_COOKIE}={VISITOR}"}
    assert await caller_of(request(visiting, method)) == Caller(visitor=VISITOR)
    assert queries == []


# Tokens.


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("shape", ["Token {}", "token {}", "TOKEN   {} "])
async def test_token(user: Any, token: str, method: str, shape: str) -> None:
    caller = await caller_of(request({"Authorization": shape.format(token)}, method))
    assert caller == Caller(user.id, None, Credential(Scheme.TOKEN, token))


@pytest.mark.parametrize("key", ["", "no such token", "\xff", "x" * 10_000])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_wrong_token_is_refused(token: str, key: str, method: str) -> None:
    with pytest.raises(InvalidToken):
        await user_of({"Authorization": f"Token {key}"}, method)


async def test_token_of_an_inactive_user_is_refused(user: Any, token: str) -> None:
    user.is_active = False
    await in_database(user.save)
    with pytest.raises(InvalidToken):
        await user_of(by_token(token))


async def test_deleted_token_is_refused(token: str) -> None:
    await in_database(Token.objects.filter(key=token).delete)
    with pytest.raises(InvalidToken):
        await user_of(by_token(token))


@pytest.mark.parametrize("scheme", ["Bearer", "Basic", "Tokens", ""])
async def test_other_schemes_say_nothing(token: str, queries: list[str], scheme: str) -> None:
    assert await user_of({"Authorization": f"{scheme} {token}"}) is None
    assert queries == []


# Session cookies.


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_cookie_alone_reads(user: Any, session_key: str, method: str) -> None:
    headers = by_cookie(session_key, with_csrf_token=False, yera_visitor=str(VISITOR))
    caller = await caller_of(request(headers, method))
    assert caller == Caller(user.id, VISITOR, Credential(Scheme.COOKIE, session_key))


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "PURGE"])
async def test_cookie_changes_nothing_without_the_csrf_token(
    user: Any, session_key: str, method: str, queries: list[str]
) -> None:
    forged = by_cookie(session_key, with_csrf_token=False, yera_visitor=str(VISITOR))
    assert await caller_of(request(forged, method)) == Caller(visitor=VISITOR)
    assert queries == [], "nor is anybody looked for"
    assert await user_of(by_cookie(session_key), method) == user.id


@pytest.mark.parametrize("sent", ["", "c", "d" * 32, "c" * 64, "\xff" * 32, "c" * 31 + "!"])
async def test_wrong_csrf_token_is_none(session_key: str, sent: str) -> None:
    assert await user_of({**by_cookie(session_key), "X-CSRFToken": sent}, "POST") is None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", f"csrfmiddlewaretoken={CSRF_TOKEN}"),
        ("application/x-www-form-urlencoded", "&".join(f"field{number}=" for number in range(2000))),
        ("multipart/form-data", "no form at all"),
    ],
)
async def test_csrf_token_is_not_looked_for_in_the_body(
    session_key: str, content_type: str, body: str
) -> None:
    headers = {**by_cookie(session_key, with_csrf_token=False), "Content-Type": content_type}
    posted = request(headers, "POST", body=body.encode())
    assert (await caller_of(posted)).user_id is None
    assert posted.read() == body.encode(), "it is left to the view"


@pytest.mark.parametrize("kept", ["", '"\\000"', "\xff", "d" * 32])
async def test_csrf_token_without_its_cookie_is_none(session_key: str, kept: str) -> None:
    assert await user_of(by_cookie(session_key, csrftoken=kept), "POST") is None


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        (NOT_SENT, True),
        ("http://localhost", True),
        ("https://localhost", False),
        ("http://localhost.evil.example", False),
        (PAGE, True),
        ("http://page.example", False),
        ("https://evil.example", False),
        ("null", False),
        ("http://[", False),
    ],
)
async def test_csrf_token_counts_from_our_own_origins(
    user: Any, session_key: str, settings: Any, origin: str, is_ours: bool
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = [PAGE]
    headers = {**by_cookie(session_key), **({"Origin": origin} if origin else {})}
    assert await user_of(headers, "POST") == (user.id if is_ours else None)
    assert await user_of(headers, "GET") == user.id


@pytest.mark.parametrize(
    ("referer", "is_ours"),
    [(NOT_SENT, False), ("https://localhost/a", True), (f"{PAGE}/a", True), ("https://evil.example/", False)],
)
async def test_without_an_origin_https_needs_a_referer(
    user: Any, session_key: str, settings: Any, referer: str, is_ours: bool
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = [PAGE]
    headers = {**by_cookie(session_key), "Referer": referer}
    assert await user_of(headers, "POST", "https") == (user.id if is_ours else None)


async def test_cookie_is_worth_nothing_after_signing_out(session_key: str) -> None:
    await in_database(BrowserSession.objects.filter(session_key=session_key).delete)
    assert await user_of(by_cookie(session_key)) is None


async def test_cookie_is_worth_nothing_after_a_change_of_the_password(user: Any, session_key: str) -> None:
    user.set_password("another long secret")
    await in_database(user.save)
    assert await user_of(by_cookie(session_key)) is None


async def test_cookie_is_worth_nothing_after_its_time(session_key: str) -> None:
    past = timezone.now() - datetime.timedelta(seconds=1)
    await in_database(BrowserSession.objects.filter(session_key=session_key).update, expire_date=past)
    assert await user_of(by_cookie(session_key)) is None


@pytest.mark.parametrize("is_gone", [False, True])
async def test_cookie_of_a_user_who_may_not_sign_in_is_worth_nothing(
    user: Any, session_key: str, is_gone: bool
) -> None:
    user.is_active = False
    await in_database(user.delete if is_gone else user.save)
    assert await user_of(by_cookie(session_key)) is None


@pytest.mark.parametrize(
    "cookie",
    [
        'sessionid="\\000"',
        'sessionid="abcdefgh\\000ijkl"',
        'sessionid="\\777"',
        "sessionid=",
        "sessionid=short",
        "sessionid=" + "x" * 5000,
        "sessionid=\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8",
        "=;;=; ,",
        f'{VISITOR_COOKIE}="\\000"',
        f"{VISITOR_COOKIE}=none",
        f"{VISITOR_COOKIE}={'0' * 33}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_broken_cookie_is_none(database: None, cookie: str, method: str) -> None:
    headers = {"Cookie": f"{cookie}; csrftoken={CSRF_TOKEN}", "X-CSRFToken": CSRF_TOKEN}
    assert await caller_of(request(headers, method)) == Caller()


async def test_session_key_with_nul_is_not_looked_for(database: None, queries: list[str]) -> None:
    """PostgreSQL would refuse the query."""
    assert await user_of({"Cookie": 'sessionid="abcdefgh\\000ijkl"'}) is None
    assert queries == []


# Two credentials.


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_token_wins_over_the_cookie(token: str, user: Any, method: str) -> None:
    other = await in_database(sign_in, await in_database(new_user, "other"))
    assert await user_of({**by_cookie(other), **by_token(token)}, method) == user.id


async def test_good_cookie_does_not_save_a_wrong_token(session_key: str) -> None:
    with pytest.raises(InvalidToken):
        await user_of({**by_cookie(session_key), **by_token("wrong")})


# Later.


async def test_caller_is_today_what_the_credential_says(user: Any, token: str) -> None:
    caller = await caller_of(request({**by_token(token), "Cookie": f"{VISITOR_COOKIE}={VISITOR}"}))
    assert await caller.today() == caller
    await in_database(Token.objects.filter(key=token).update, user=await in_database(new_user, "other"))
    assert await caller.today() == Caller(visitor=VISITOR), "the token is another user's now"


@pytest.mark.parametrize("caller", [Caller(), Caller(visitor=VISITOR), OPERATOR])
async def test_caller_without_a_credential_stays_the_same_unasked(
    database: None, queries: list[str], caller: Caller
) -> None:
    assert await caller.today() == caller
    assert queries == []
