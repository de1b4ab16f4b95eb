"""Signing in and out as a browser does it, and the pages that say that something went wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.test import Client
from django.urls import path

from yera_project.urls import urlpatterns as project_urls

PASSWORD = "correct horse battery"
SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"


def refuse(request: HttpRequest, error: Exception) -> HttpResponse:
    raise error


# As `urls` of a test: the project's, with views that fail.
urlpatterns = [
    path("fails/400", refuse, {"error": SuspiciousOperation("odd")}),
    path("fails/403", refuse, {"error": PermissionDenied("no")}),
    path("fails/500", refuse, {"error": RuntimeError("a secret of the server")}),
    *project_urls,
]
handler500 = "sessions_app.exceptions.server_error"


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD)


def sign_in(browser: Client, password: str = PASSWORD, **fields: str) -> Any:
    return browser.post(SIGN_IN, {"username": "ada", "password": password, **fields})


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def test_the_form_has_labels_and_what_password_managers_look_for(browser: Client) -> None:
    page = browser.get(SIGN_IN).content.decode()
    for name, autocomplete in (("username", "username"), ("password", "current-password")):
        (field,) = re.findall(rf'<input[^>]* name="{name}"[^>]*>', page)
        assert f'autocomplete="{autocomplete}"' in field
        assert f'<label class="label" for="id_{name}">' in page
        assert f'id="id_{name}"' in field


def test_signing_in_leads_to_the_start_page(browser: Client, user: User) -> None:
    response = sign_in(browser)
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert is_signed_in(browser)


def test_session_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Client, user: User) -> None:
    cookie = sign_in(browser).cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_wrong_password_is_told_and_not_shown_again(browser: Client, user: User) -> None:
    response = sign_in(browser, password="my other password")
    page = response.content.decode()
    assert response.status_code == 200
    assert re.search(r'role="alert">\s*Please enter a correct username and password', page)
    assert 'value="ada"' in page
    assert "my other password" not in page
    assert not is_signed_in(browser)


def test_missing_fields_are_told_beside_them(browser: Client, db: None) -> None:
    page = browser.post(SIGN_IN, {"username": "", "password": ""}).content.decode()
    assert re.findall(r'class="refusal" id="(\w+)">This field is required', page) == [
        "id_username_error",
        "id_password_error",
    ]


def test_inactive_user_gets_the_answer_of_a_wrong_password(browser: Client, user: User) -> None:
    wrong = sign_in(browser, password="wrong").context["form"].non_field_errors()
    User.objects.update(is_active=False)
    response = sign_in(browser)
    assert response.context["form"].non_field_errors() == wrong
    assert not is_signed_in(browser)


def test_next_is_kept_over_a_failed_try(browser: Client, user: User) -> None:
    browser.get(f"{SIGN_IN}?next=/s/1%3Fa%3Db")
    response = sign_in(browser, password="wrong", next="/s/1?a=b")
    assert '<input type="hidden" name="next" value="/s/1?a=b">' in response.content.decode()
    assert sign_in(browser, next="/s/1?a=b").headers["Location"] == "/s/1?a=b"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "///evil.example", "javascript:alert(1)"],
)
def test_next_leads_to_no_other_host(browser: Client, user: User, elsewhere: str) -> None:
    assert sign_in(browser, next=elsewhere).headers["Location"] == "/"
    again = browser.get(SIGN_IN, {"next": elsewhere})
    assert (again.status_code, again.headers["Location"]) == (302, "/")


@pytest.mark.parametrize(("query", "target"), [("", "/"), ("?next=/s/1", "/s/1"), ("?next=/sign-in", "/")])
def test_signed_in_users_go_on(browser: Client, user: User, query: str, target: str) -> None:
    browser.force_login(user)
    response = browser.get(SIGN_IN + query)
    assert (response.status_code, response.headers["Location"]) == (302, target)


def test_signing_out_ends_the_session(browser: Client, user: User) -> None:
    browser.force_login(user)
    response = browser.post(SIGN_OUT)
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert not is_signed_in(browser)


def test_a_link_signs_nobody_out(browser: Client, user: User) -> None:
    browser.force_login(user)
    assert browser.get(SIGN_OUT).status_code == 405
    assert is_signed_in(browser)


@pytest.mark.parametrize("target", [SIGN_IN, SIGN_OUT])
def test_other_sites_cannot_post(user: User, target: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    response = sign_in(browser) if target == SIGN_IN else browser.post(target)
    assert response.status_code == 403
    assert "<h1>This form has expired</h1>" in response.content.decode()
    assert_is_page(response)


def test_the_forms_of_the_pages_carry_the_token(user: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    for target, fields in ((SIGN_IN, {"username": "ada", "password": PASSWORD}), (SIGN_OUT, {})):
        page = browser.get("/no-such-page" if target == SIGN_OUT else SIGN_IN).content.decode()
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert browser.post(target, {**fields, "csrfmiddlewaretoken": token}).status_code == 302
    assert not is_signed_in(browser)


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("address", "status", "heading"),
    [
        ("/sign-in", 200, "Sign in"),
        ("/fails/400", 400, "Bad request"),
        ("/fails/403", 403, "Not allowed"),
        ("/no-such-page", 404, "Not found"),
        ("/fails/500", 500, "Something broke"),
    ],
)
def test_pages_share_look_and_policy(
    db: None, browser: Client, address: str, status: int, heading: str
) -> None:
    response = browser.get(address)
    assert response.status_code == status
    assert f"<h1>{heading}</h1>" in response.content.decode()
    assert "secret" not in response.content.decode()
    assert_is_page(response)


def test_the_500_page_needs_no_database() -> None:
    """Without `db`, pytest-django refuses every query."""
    page = get_template("500.html").render()
    assert "Sign in" not in page  # it does not know who asks


def assert_is_page(response: Any) -> None:
    page = response.content.decode()
    assert 'href="/static/web/page.css"' in page
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on\w+=", page)
    directives = dict(
        directive.split(maxsplit=1) for directive in response.headers["Content-Security-Policy"].split("; ")
    )
    assert directives["script-src"] == directives["style-src"] == directives["form-action"] == "'self'"
    assert directives["default-src"] == directives["frame-ancestors"] == "'none'"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
