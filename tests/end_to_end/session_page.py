"""The page of a session, as a user works it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.server import ServerProcess

SECONDS = 15_000  # ms; for what the server has to do first

expect.set_options(timeout=SECONDS)


class SessionPage:
    """Finds things on the page by what a user sees of them."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    def start(cls, page: Page, server: ServerProcess, app_id: str) -> SessionPage:
        """Start a session of the app in the browser."""
        page.goto(f"{server.url}/apps/{app_id}")
        page.wait_for_url(re.compile("/s/[0-9a-f-]{36}$"))
        return cls(page)

    @property
    def session_id(self) -> str:
        return self.page.url.rpartition("/")[2]

    @property
    def transcript(self) -> Locator:
        return self.page.locator("#transcript")

    def prompt(self, label: str) -> Locator:
        """The prompt with this label, open or answered."""
        return self.transcript.locator(".prompt").filter(has_text=label)

    def type(self, label: str, text: str) -> None:
        """Answer a text prompt."""
        box = self.prompt(label).get_by_role("textbox")
        box.fill(text)
        box.press("Enter")

    def press(self, label: str, option: str) -> None:
        self.prompt(label).get_by_role("button", name=option, exact=True).click()

    def slide(self, label: str, value: str) -> None:
        """Move a slider."""
        self.prompt(label).get_by_role("slider").fill(value)

    def pick(self, label: str, day: str) -> None:
        self.prompt(label).locator("input[type=date]").fill(day)

    def choose(self, label: str, option: str) -> None:
        """Choose an option of a form's prompt."""
        self.prompt(label).get_by_role("radio", name=option).check()

    def send(self, label: str) -> None:
        self.prompt(label).get_by_role("button", name="Send").click()

    def submit(self) -> None:
        """Send a form."""
        self.transcript.get_by_role("button", name="Submit").click()

    def expect_text(self, text: str | re.Pattern[str]) -> None:
        expect(self.transcript).to_contain_text(text)

    def expect_answered(self, label: str) -> None:
        expect(self.prompt(label)).to_have_class(re.compile("answered"))

    def expect_end(self, return_value: str) -> None:
        """The session has ended, and says what its app returned."""
        expect(self.transcript.locator(".exit")).to_contain_text(return_value)
        expect(self.page.get_by_role("link", name="Start again")).to_be_visible()
        expect(self.page.get_by_role("button", name="Stop")).to_be_hidden()
