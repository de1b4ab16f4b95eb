"""The page in a real browser: every block, every prompt, every shipped example."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.session_page import SessionPage
from tests.server import ServerProcess


def test_gallery_leads_to_a_session(page: Page, examples: ServerProcess) -> None:
    page.goto(examples.url)
    page.get_by_role("link", name="Greeter Asks for your name").click()
    page.wait_for_url(re.compile("/s/"))
    session = SessionPage(page)
    session.type("What is your name?", "Ada")
    session.press("How shall I greet you?", "grandly")
    session.expect_text("All hail Ada, first of that name!")
    session.expect_end("greeted Ada grandly")
    page.go_back()  # the page that started it is not in the way
    expect(page.get_by_role("heading", name="Apps")).to_be_visible()


def test_every_block_is_shown(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "everything.show")
    shown = session.transcript
    expect(shown.get_by_role("heading", name="All there is")).to_be_visible()
    expect(shown.locator("strong")).to_have_text("bold")
    expect(shown.get_by_role("link", name="link")).to_have_attribute("rel", "noopener noreferrer")
    session.expect_text("One word after the other.")
    expect(shown.locator(".scroll").get_by_role("row")).to_have_text(
        ["Column 1Column 2", "apple3", "pear4.5"]
    )
    expect(shown.locator("figure canvas")).to_have_count(4)
    expect(shown.locator(".progress.complete")).to_have_text(["Still turning", "Acting"])
    expect(shown.locator(".columns.bordered > .columns-body > *")).to_have_text(["left", "right"])


def test_every_prompt_can_be_answered(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "everything.show")
    session.type("A text?", "hello")
    session.expect_answered("A text?")
    expect(session.prompt("A text?")).to_contain_text("hello")
    session.press("A colour?", "green")
    expect(session.prompt("A colour?").get_by_role("button", name="green")).to_have_attribute(
        "aria-pressed", "true"
    )
    session.slide("A number?", "7")
    session.send("A number?")
    session.pick("A day?", "2024-02-29")
    session.send("A day?")
    session.press("Second inside?", "no")  # each by itself, in any order
    session.expect_answered("Second inside?")
    session.type("First inside?", "inside")
    session.prompt("Name").get_by_role("textbox").fill("Grace")
    session.choose("Size", "large")
    session.slide("Share", "0.25")
    session.pick("When", "2025-03-01")
    session.submit()
    session.expect_end("hello green 7 2024-02-29 Grace large 0.25 2025-03-01")


def test_form_says_what_is_missing(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "survey.survey")
    session.pick("When did you visit us?", "")
    session.submit()
    expect(session.prompt("When did you visit us?").locator("input")).to_be_focused()
    session.pick("When did you visit us?", "2025-01-01")
    session.submit()
    session.expect_text("You were here on 01 January 2025.")


def test_survey_example(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "survey.survey")
    session.prompt("Your name").get_by_role("textbox").fill("Ada")
    session.slide("Food", "9")
    session.submit()
    expect(session.transcript.locator("figure canvas")).to_be_visible()
    session.transcript.get_by_role("button", name="You're welcome").click()
    session.expect_end("6.3")


def test_nested_example(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "nested.order")
    for number, drink in enumerate(["Coffee", "Tea", "Nothing more"]):
        open_prompt = session.transcript.locator(".prompt").nth(number)
        open_prompt.get_by_role("button", name=drink).click()
    session.expect_text("Here is coffee number 1.")
    session.expect_end("2")


def test_async_example(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "async_tour.tour")
    session.prompt("One city").get_by_role("textbox").fill("Rome")
    session.prompt("Another city").get_by_role("textbox").fill("Oslo")
    session.submit()
    session.press("Where to", "Oslo")
    session.expect_end("Oslo on")


def test_streaming_example(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "storyteller.tell")
    expect(session.transcript.locator(".progress:not(.complete)")).to_contain_text("Dusk")
    session.expect_text("a single sail stood on it like a forgotten cup")
    expect(session.transcript.get_by_role("row")).to_have_count(4)
    # Empty at first, so only the rows tell where the headings belong.
    expect(session.transcript.get_by_role("columnheader", name="Chapter")).not_to_have_class("number")
    expect(session.transcript.get_by_role("columnheader", name="Words")).to_have_class("number")
    session.expect_end("The end.")


def test_tickets_example(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "tickets.sell")
    session.slide("How many seats?", "2")
    session.send("How many seats?")
    session.press("That is 56 €.", "Pay")
    session.expect_text(f"You paid 56 €, reference {session.session_id}:0.2.")
    expect(session.transcript.locator(".progress.complete")).to_have_count(3)
    expect(session.page.get_by_role("link", name="Start again")).to_be_visible()


def test_stop_ends_the_session(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    page.get_by_role("button", name="Stop").click()
    expect(session.transcript.locator(".exit")).to_contain_text("Cancelled by the user")
    expect(session.prompt("What is your name?").get_by_role("textbox")).to_be_disabled()
    page.get_by_role("link", name="Start again").click()
    session.type("What is your name?", "Ada")
    session.expect_answered("What is your name?")


@pytest.mark.parametrize("path", ["/apps/no.such.app", "/s/00000000-0000-4000-8000-000000000000", "/s/x"])
def test_what_is_not_there_is_a_404(page: Page, examples: ServerProcess, path: str) -> None:
    response = page.goto(examples.url + path)
    assert response is not None
    assert response.status == 404


def test_keyboard_alone_is_enough(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    expect(session.prompt("What is your name?").get_by_role("textbox")).to_be_focused()
    page.keyboard.type("Ada")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Lovelace")
    page.keyboard.press("Enter")
    expect(session.prompt("What is your name?")).to_contain_text("Ada\nLovelace", use_inner_text=True)
    expect(session.prompt("How shall I greet you?").get_by_role("button", name="kindly")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    session.expect_end("grandly")
