"""The page where one must sign in: in, out, and back to where one was."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.end_to_end.session_page import SessionPage
from tests.server import ROOT, ServerProcess

StartServer = Callable[..., ServerProcess]

PASSWORD = "correct horse battery"


def add_user(server: ServerProcess, name: str) -> None:
    """Make a user, as an operator does."""
    command = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username", name, "--email", ""]
    environment = {**os.environ, **server.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=60)


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_signing_in_and_out(page: Page, start_server: StartServer) -> None:
    server = start_server(YERA_APPS_DIRS="", YERA_ACCESS="login", YERA_ACCESS_CHECK_SECONDS="0.2")
    add_user(server, "ada")
    add_user(server, "bob")

    page.goto(f"{server.url}/apps/greeter.greet")
    expect(page).to_have_url(re.compile("/sign-in"))
    sign_in(page, "ada")
    page.wait_for_url(re.compile("/s/"))  # where ada was heading
    session = SessionPage(page)
    session.type("What is your name?", "Ada")
    session.expect_answered("What is your name?")
    address = page.url

    other = page.context.new_page()
    other.goto(server.url)
    other.get_by_role("button", name="Sign out ada").click()
    expect(other).to_have_url(re.compile("/sign-in"))
    expect(page).to_have_url(re.compile("/sign-in"))  # its stream has ended, and it may not come back

    sign_in(other, "bob")
    expect(other.get_by_role("heading", name="Apps")).to_be_visible()
    response = other.goto(address)
    assert response is not None
    assert response.status == 404
    other.goto(server.url)
    other.get_by_role("button", name="Sign out bob").click()

    page.reload()
    sign_in(page, "ada")
    expect(page).to_have_url(address)
    session.expect_answered("What is your name?")
    session.press("How shall I greet you?", "kindly")
    session.expect_end("greeted Ada kindly")
