"""A client of the shared server, what looks on while it is maltreated, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.client import SessionClient
from tests.end_to_end.throwing import Thrower
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
APPS = Path(__file__).parent / "apps"
PAGE_MILLISECONDS = 15_000


@pytest.fixture
def client(server: ServerProcess) -> Iterator[SessionClient]:
    client = SessionClient(server.url)
    yield client
    client.close()


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the shipped examples; the conformance apps, which share ids with them, are not there."""
    process = ServerProcess(tmp_path_factory.mktemp("examples"), YERA_APPS_DIRS=str(APPS)).start()
    yield process
    process.dispose()


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


@pytest.fixture(scope="module")
def witness(server: ServerProcess) -> Iterator[str]:
    """A session that waits all the time; at the end it has the same log, and takes its answer."""
    client = server.client()
    session = client.create("steady.ask")
    before = client.turn(session)
    logged = len(server.log)
    yield session
    assert "Traceback" not in server.log[logged:]
    with client.stream(session, after=0) as messages:
        assert list(messages) == before
    client.answer(session, "input_request-1", "still here")
    assert client.turn(session)[-1].data["data"]["return_value"] == "still here"
    events = client.http.get(f"/api/session/{session}/events").json()["events"]
    assert [event["kind"] for event in events] == ["event", "interaction", "event"]


@pytest.fixture
def throw(server: ServerProcess, witness: str) -> Thrower:
    return Thrower(server)
