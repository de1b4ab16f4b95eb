"""The server has done what the page asked for, but its answer is lost: the page sends it again by one key."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route

from tests.end_to_end.session_page import SessionPage
from tests.server import ServerProcess


class LosesTheFirst:
    """Lets every request come to the server, and all answers but the first come back."""

    def __init__(self, lose: Callable[[Route], None]) -> None:
        self._lose = lose
        self.statuses: list[int] = []
        self.keys: list[str] = []

    def __call__(self, route: Route) -> None:
        self.keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        self.statuses.append(answer.status)
        if len(self.keys) == 1:
            self._lose(route)
        else:
            route.fulfill(response=answer)


def cut(route: Route) -> None:
    route.abort("connectionreset")


def give_up(route: Route) -> None:
    """As a gateway does whose server was slow."""
    route.fulfill(status=504, content_type="text/html", body="<h1>Gateway Time-out</h1>")


@pytest.fixture(params=[cut, give_up])
def lossy(request: pytest.FixtureRequest) -> LosesTheFirst:
    return LosesTheFirst(request.param)


def test_answer_is_given_once(page: Page, examples: ServerProcess, lossy: LosesTheFirst) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    page.route("**/interaction", lossy)
    with page.expect_response(lambda response: response.url.endswith("/interaction") and response.ok):
        session.type("What is your name?", "Ada")
    session.press("How shall I greet you?", "kindly")
    session.expect_end("greeted Ada kindly")
    assert lossy.statuses == [200, 200, 200]
    first, again, other = lossy.keys
    assert first == again != other, "one for each answer"
    events = examples.client().http.get(f"/api/session/{session.session_id}/events").json()["events"]
    assert [event["kind"] for event in events].count("interaction") == 2


def test_session_is_started_once(page: Page, examples: ServerProcess, lossy: LosesTheFirst) -> None:
    page.route("**/api/session", lossy)
    page.goto(f"{examples.url}/apps/greeter.greet")
    page.wait_for_url(re.compile("/s/[0-9a-f-]{36}$"))
    assert lossy.statuses == [201, 201]
    assert lossy.keys[0] == lossy.keys[1]
    page.unroute("**/api/session")
    listed = page.evaluate("async () => (await (await fetch('/api/session')).json()).sessions")
    assert [each["session_id"] for each in listed] == [SessionPage(page).session_id]
