"""What a hand does without meaning it: no answer is sent that nobody gave, and none is sent twice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.end_to_end.session_page import SessionPage
from tests.server import ServerProcess


def prompts(session: SessionPage, count: int) -> None:
    expect(session.transcript.locator(".prompt")).to_have_count(count)
    expect(session.transcript.locator(".prompt").nth(count - 1)).to_have_class(re.compile("open"))


def fill_the_window(page: Page, server: ServerProcess) -> SessionPage:
    """A session whose next question comes to where the one before was pressed."""
    page.set_viewport_size({"width": 800, "height": 400})  # the newest question stays at one place
    session = SessionPage.start(page, server, "everything.ask_again")
    for count in range(1, 6):
        prompts(session, count)
        session.transcript.locator(".prompt.open").get_by_role("button", name="again").click()
    prompts(session, 6)
    return session


def presses_until_the_end(session: SessionPage) -> int:
    """How often the app was told to ask again, by its own count."""
    session.transcript.locator(".prompt.open").get_by_role("button", name="enough").click()
    result = session.transcript.locator(".exit .result")
    result.wait_for()
    return int(result.inner_text())


def test_double_click_answers_one_question(page: Page, examples: ServerProcess) -> None:
    session = fill_the_window(page, examples)
    button = session.transcript.locator(".prompt.open").get_by_role("button", name="again")
    box = button.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(*middle)
    prompts(session, 7)
    assert page.evaluate("([x, y]) => document.elementFromPoint(x, y).textContent", middle) == "again"
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    assert presses_until_the_end(session) == 6


def test_held_key_answers_one_question(page: Page, examples: ServerProcess) -> None:
    session = fill_the_window(page, examples)
    expect(session.transcript.locator(".prompt.open").get_by_role("button", name="again")).to_be_focused()
    page.keyboard.down("Enter")
    prompts(session, 7)
    for _ in range(3):
        page.keyboard.down("Enter")  # as a keyboard repeats it
    page.keyboard.up("Enter")
    assert presses_until_the_end(session) == 6


def test_word_that_is_still_composed_sends_no_form(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "survey.survey")
    box = session.prompt("Your name").get_by_role("textbox")
    box.fill("にほん")
    box.dispatch_event("keydown", {"key": "Enter", "isComposing": True})  # chooses a candidate
    expect(page.get_by_role("button", name="Submit")).to_be_enabled()
    box.press("Enter")
    session.expect_text("Thank you, にほん!")


def test_one_answer_under_way_waits_for_its_own_end(page: Page, examples: ServerProcess) -> None:
    """The other prompt of the layout is answered meanwhile, which changes the status."""
    session = SessionPage.start(page, examples, "everything.ask_twice")
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "buttons-1" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/interaction", hold)
    button = session.prompt("First").get_by_role("button", name="yes")
    button.click()
    session.press("Second", "no")
    session.expect_answered("Second")
    expect(button).to_be_disabled()
    (route,) = held
    route.continue_()
    session.expect_end("asked")


def test_form_under_way_waits_for_its_own_end(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "survey.survey")
    held: list[Route] = []
    page.route("**/interaction", lambda route: held.append(route))
    page.get_by_role("button", name="Submit").click()
    session.prompt("Your name").get_by_role("textbox").press("Enter")
    expect(page.get_by_role("button", name="Submit")).to_be_disabled()
    (route,) = held
    route.continue_()
    session.expect_text("Thank you")


def test_unreachable_server_is_told_and_the_answer_kept(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    page.route("**/interaction", lambda route: route.abort())
    session.type("What is your name?", "Ada")
    prompt = session.prompt("What is your name?")
    expect(prompt.get_by_role("alert")).to_have_text("The server cannot be reached. Try again.")
    expect(prompt.get_by_role("textbox")).to_have_value("Ada")
    page.unroute("**/interaction")
    expect(prompt.get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Enter")
    session.expect_answered("What is your name?")


@pytest.mark.parametrize(
    ("position", "value"),
    [("0.123456", "0.123"), ("0.999", "0.996"), ("0.0001", "0.001"), ("0.333333", "0.333333")],
)
def test_slider_sends_what_it_shows(page: Page, examples: ServerProcess, position: str, value: str) -> None:
    """A thousandth of its range is as exact as a hand can be; the ends and the app's own value can be met."""
    session = SessionPage.start(page, examples, "everything.fine_slider")
    session.slide("Share", position)
    expect(session.prompt("Share").get_by_role("status")).to_have_text(value)
    session.send("Share")
    session.expect_end(value)
