"""The page's own routes: who is let in, what is not there, and what the pages say."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps_app.models import App
from sessions_app.conf import Access
from sessions_app.models import Session
from sessions_app.web.urls import urlpatterns
from tests.sessions_app.callers import new_user
from tests.sessions_app.playing import APP_ID

NewSession = Callable[..., Session]
OPEN, LOGIN = Access.OPEN, Access.LOGIN
SIGN_IN = 302  # sent to the sign-in page

CALLERS = ("anonymous", "owner", "other", "staff")
# By route, mode, and whether the session is a user's.
RIGHTS = {
    ("gallery", OPEN): (200, 200, 200, 200),
    ("gallery", LOGIN): (SIGN_IN, 200, 200, 200),
    ("app_page", OPEN): (200, 200, 200, 200),
    ("app_page", LOGIN): (SIGN_IN, 200, 200, 200),
    ("session_page", OPEN, False): (200, 200, 200, 200),
    ("session_page", OPEN, True): (404, 200, 404, 404),
    ("session_page", LOGIN, False): (SIGN_IN, 404, 404, 404),
    ("session_page", LOGIN, True): (SIGN_IN, 200, 404, 404),
    ("sign_in", OPEN): (200, 302, 302, 302),  # who is signed in already goes on
    ("sign_in", LOGIN): (200, 302, 302, 302),
    ("sign_out", OPEN): (405, 405, 405, 405),  # by POST only
    ("sign_out", LOGIN): (405, 405, 405, 405),
}
PATHS = {
    "gallery": "/",
    "app_page": f"/apps/{APP_ID}",
    "session_page": "/s/{session_id}",
    "sign_in": "/sign-in",
    "sign_out": "/sign-out",
}


@pytest.fixture
def browser() -> Client:
    return Client()


@pytest.fixture
def browsers(transactional_db: None) -> dict[str, Client]:
    """One browser for each kind of caller."""
    browsers = {name: Client() for name in CALLERS}
    for name in CALLERS[1:]:
        browsers[name].force_login(new_user(name, is_staff=name == "staff", is_superuser=name == "staff"))
    return browsers


def test_table_has_every_route() -> None:
    assert {str(route.name) for route in urlpatterns} == {key[0] for key in RIGHTS} == set(PATHS)


@pytest.mark.parametrize("key", list(RIGHTS), ids=str)
def test_who_is_let_in(
    browsers: dict[str, Client], new_session: NewSession, settings: Any, key: tuple[Any, ...]
) -> None:
    owner = browsers["owner"].session["_auth_user_id"]
    session = new_session(user_id=owner) if True in key[2:] else new_session(visitor=uuid.uuid4())
    settings.YERA_ACCESS = key[1]
    path = PATHS[key[0]].format(session_id=session.id)
    assert tuple(browsers[name].get(path).status_code for name in CALLERS) == RIGHTS[key]


def test_who_must_sign_in_comes_back(browser: Client, app_row: App, settings: Any) -> None:
    settings.YERA_ACCESS = "login"
    response = browser.get(f"/apps/{APP_ID}?x=1")
    assert response.headers["location"] == f"/sign-in?next=/apps/{APP_ID}%3Fx%3D1"


@pytest.mark.parametrize("path", ["/apps/no.such.app", "/apps/%00", f"/s/{uuid.uuid4()}", "/s/x", "/s/%00"])
def test_what_is_not_there(browser: Client, app_row: App, path: str) -> None:
    response = browser.get(path)
    assert response.status_code == 404
    assert "Yera Sessions" in response.text


def test_forbidden_is_as_if_it_were_not_there(browser: Client, new_session: NewSession) -> None:
    forbidden, unknown = str(new_session(user=new_user("owner")).id), str(uuid.uuid4())
    page = browser.get(f"/s/{forbidden}").text
    assert page.replace(forbidden, unknown) == browser.get(f"/s/{unknown}").text


@pytest.mark.parametrize("columns", [{"active": False}, {"load_error": "broken"}])
def test_app_that_cannot_be_started(browser: Client, app_row: App, columns: dict[str, Any]) -> None:
    App.objects.update(**columns)
    assert browser.get(f"/apps/{APP_ID}").status_code == 404
    assert APP_ID not in browser.get("/").text


@pytest.mark.parametrize(
    ("site", "is_asked"), [(None, False), ("none", False), ("same-origin", False), ("cross-site", True)]
)
def test_link_from_elsewhere_asks_before_it_starts(
    browser: Client, app_row: App, site: str | None, is_asked: bool
) -> None:
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    text = browser.get(f"/apps/{APP_ID}", headers=headers).text
    assert ("<button" in text) == is_asked
    assert ("Starting" in text) != is_asked


def test_pages_are_not_kept_by_caches(browser: Client, app_row: App) -> None:
    assert "no-store" in browser.get("/").headers["cache-control"]


def test_pages_are_not_for_scripts_of_other_origins(browser: Client, app_row: App, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://old.example"]
    origin = {"Origin": "https://old.example"}
    assert "access-control-allow-origin" not in browser.get("/", headers=origin).headers
    assert "access-control-allow-origin" not in browser.get("/admin/", headers=origin).headers


def test_gallery_tells_of_each_app(browser: Client, app_row: App) -> None:
    App.objects.update(name="<b>Bold</b>", description="What & why")
    text = browser.get("/").text
    assert f'href="/apps/{APP_ID}"' in text
    assert "&lt;b&gt;Bold&lt;/b&gt;" in text
    assert "What &amp; why" in text
    assert "one / app" in text


def test_gallery_without_apps_says_what_to_do(browser: Client, transactional_db: None) -> None:
    assert "YERA_APPS_DIRS" in browser.get("/").text


def test_session_page_has_its_title(browser: Client, new_session: NewSession) -> None:
    assert "<title>main</title>" in browser.get(f"/s/{new_session().id}").text
    assert "<title>Mine</title>" in browser.get(f"/s/{new_session(title='Mine').id}").text


def test_scripts_make_html_through_dompurify_alone(browser: Client, new_session: NewSession) -> None:
    policy = browser.get(f"/s/{new_session().id}").headers["content-security-policy"]
    assert "require-trusted-types-for 'script'" in policy
    assert "trusted-types dompurify" in policy


def test_pages_give_the_token_that_posts_need(browser: Client, app_row: App) -> None:
    assert "csrftoken" in browser.get("/").cookies
