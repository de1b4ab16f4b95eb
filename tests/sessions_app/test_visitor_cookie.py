"""The cookie by which a browser finds the sessions that it started."""

from __future__ import annotations

import uuid
from http.cookies import Morsel, SimpleCookie

import pytest

from sessions_app.authentication import VISITOR_COOKIE
from sessions_app.database import in_database
from sessions_app.models import Session
from tests.sessions_app.asgi_client import AsgiClient, Call, Response
from tests.sessions_app.callers import by_cookie, by_token, new_token, new_user, sign_in
from tests.sessions_app.playing import APP_ID

START = {"app_id": APP_ID}


def given(response: Response) -> Morsel[str] | None:
    """The visitor cookie that a response sets."""
    return SimpleCookie(response.headers.get("set-cookie", "")).get(VISITOR_COOKIE)


async def test_first_session_gives_a_cookie(asking: None, client: AsgiClient) -> None:
    response = await client.post("/api/session", START)
    cookie = given(response)
    assert cookie is not None
    session = await in_database(Session.objects.get, id=(await response.json())["session_id"])
    assert cookie.value == str(session.visitor)
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", str(365 * 24 * 3600))


async def test_cookie_goes_over_https_alone_where_that_is_spoken(
    asking: None, client: AsgiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Call, "SCHEME", "https")
    cookie = given(await client.post("/api/session", START))
    assert cookie is not None
    assert cookie["secure"] is True


async def test_browser_keeps_its_cookie(asking: None, client: AsgiClient) -> None:
    cookie = given(await client.post("/api/session", START))
    assert cookie is not None
    browser = AsgiClient({"Cookie": f"{VISITOR_COOKIE}={cookie.value}"})
    assert given(await browser.post("/api/session", START)) is None
    listed = (await (await browser.get("/api/session")).json())["sessions"]
    assert len(listed) == 2


@pytest.mark.parametrize("value", ["", "none", '"\\000"', "0" * 31])
async def test_broken_cookie_is_replaced(asking: None, client: AsgiClient, value: str) -> None:
    browser = AsgiClient({"Cookie": f"{VISITOR_COOKIE}={value}"})
    cookie = given(await browser.post("/api/session", START))
    assert cookie is not None
    assert str(uuid.UUID(cookie.value)) == cookie.value


async def test_signed_in_user_gets_none(asking: None, client: AsgiClient) -> None:
    user = await in_database(new_user, "ada")
    for headers in (
        by_token(await in_database(new_token, user)),
        by_cookie(await in_database(sign_in, user)),
        by_cookie(await in_database(sign_in, user), yera_visitor=str(uuid.uuid4())),
    ):
        response = await AsgiClient(headers).post("/api/session", START)
        assert response.status == 201
        assert "set-cookie" not in response.headers


async def test_only_a_session_that_starts_gives_a_cookie(waiting: str, client: AsgiClient) -> None:
    for path in ("/api/session", f"/api/session/{waiting}", "/api/apps", "/health"):
        assert "set-cookie" not in (await client.get(path)).headers
    assert "set-cookie" not in (await client.answer(waiting, "input_request-1", "x")).headers
    assert "set-cookie" not in (await client.post("/api/session", {"app_id": "none"})).headers
