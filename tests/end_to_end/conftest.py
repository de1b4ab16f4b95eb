"""A client of the shared server, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.client import SessionClient
from tests.server import ServerProcess

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PAGE_MILLISECONDS = 15_000


@pytest.fixture
def client(server: ServerProcess) -> Iterator[SessionClient]:
    client = SessionClient(server.url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium. Of the module, not of the run: while it is open, no other event loop can run."""
    chromium = shutil.which("chromium")
    if chromium is None:
        reason = "There is no chromium on this machine: apt-get install chromium."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a visitor who was never here. An error in its scripts fails the test."""
    context = browser.new_context()
    context.set_default_timeout(PAGE_MILLISECONDS)
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []
