"""What the page keeps of its reader's place and of what is shown, while more comes; and its connections."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.session_page import SessionPage
from tests.server import ServerProcess

MANY_CHARTS = 40
NEAR = 120  # pixels
TO_END = "document.documentElement.scrollHeight - innerHeight - scrollY"
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_page_stays_at_its_end_however_fast_it_grows(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "everything.many_charts")
    expect(session.transcript.locator("figure canvas")).to_have_count(MANY_CHARTS)
    expect(session.transcript.locator(".exit")).to_be_in_viewport()
    assert page.evaluate(TO_END) < NEAR


def test_who_has_scrolled_up_is_left_there(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "everything.long_text")
    session.transcript.locator(".prompt.open").wait_for()
    page.evaluate("new Promise(seen => { addEventListener('scroll', seen, { once: true }); scrollTo(0, 0) })")
    session.transcript.get_by_role("textbox").press("Enter")
    session.expect_end("told")
    assert page.evaluate("scrollY") == 0


def test_text_that_grows_leaves_alone_what_is_shown(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "everything.grow")
    paragraph = session.transcript.locator(".markdown p").first
    paragraph.evaluate("paragraph => (window.kept = paragraph)")
    for count, text in enumerate(["and more", "and\n\nmore"], start=1):
        session.transcript.locator(".prompt.open").get_by_role("textbox").fill(text)
        session.transcript.locator(".prompt.open").get_by_role("textbox").press("Enter")
        session.transcript.locator(".prompt").nth(count).wait_for()
    expect(session.transcript.locator(".markdown p")).to_have_text(
        ["Once.", "Upon a time and more and", "more"]
    )
    assert paragraph.evaluate("paragraph => paragraph === window.kept")


def test_task_list_shows_what_is_done(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "everything.scripts")
    session.type("Say what?", "- [x] eat\n- [ ] sleep")
    expect(session.transcript.locator(".markdown").first.locator("li")).to_have_text(["☑ eat", "☐ sleep"])


def test_tab_that_nobody_looks_at_gives_its_connection_back(page: Page, examples: ServerProcess) -> None:
    """A browser has six to a server: without this the seventh tab, and every answer in it, would hang."""
    session = SessionPage.start(page, examples, "greeter.greet")
    session.transcript.locator(".prompt.open").wait_for()
    address = page.url
    page.evaluate(HIDE, True)
    for _ in range(6):
        other = page.context.new_page()
        other.goto(address)
        other.locator(".prompt.open").wait_for()
        other.evaluate(HIDE, True)
    last = SessionPage(page.context.pages[-1])
    last.page.evaluate(HIDE, False)
    last.type("What is your name?", "Ada")
    last.expect_answered("What is your name?")
    assert session.transcript.locator(".prompt.answered").count() == 0
    page.evaluate(HIDE, False)
    session.expect_answered("What is your name?")
    session.press("How shall I greet you?", "kindly")
    session.expect_end("greeted Ada kindly")
    expect(session.transcript.get_by_role("heading", name="Hello!")).to_have_count(1)


@pytest.mark.parametrize("hidden", [True, False])
def test_ended_session_asks_for_no_more(page: Page, examples: ServerProcess, hidden: bool) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    page.get_by_role("button", name="Stop").click()
    session.expect_end("Cancelled by the user")
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if "/stream" in request.url else None)
    page.evaluate(HIDE, hidden)
    page.evaluate("fetch('/health').then(answer => answer.json())")  # what came before it has been told
    assert streams == []
