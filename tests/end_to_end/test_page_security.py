"""Nothing that an app or its user types can act on the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.session_page import SessionPage
from tests.server import ServerProcess

MARK = "window.acted=1"
CORPUS = [
    f"<script>{MARK}</script>",
    f"<img src=x onerror={MARK}>",
    f"<svg onload={MARK}><circle></circle></svg>",
    f"<svg><script>{MARK}</script></svg>",
    "<iframe srcdoc='<script>parent.acted=1</script>'></iframe>",
    f"<details open ontoggle={MARK}>x</details>",
    f"<a href='javascript:{MARK}' id=bait>x</a>",
    f"[bait](javascript:{MARK})",
    f"[bait](data:text/html,<script>{MARK}</script>)",
    f"<form action='javascript:{MARK}'><button id=bait>x</button></form>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={MARK}></style></mglyph></table></mtext></math>",
    f"<style>@import 'javascript:{MARK}'</style>",
    f"\"'><img src=x onerror={MARK}>",
    f"`<img src=x onerror={MARK}>`",
    f"<object data='javascript:{MARK}'></object>",
    f"<meta http-equiv=refresh content='0;url=javascript:{MARK}'>",
    f"<base href='//example.invalid/'>{MARK}",
    "<label for=stop accesskey=s>bait</label>",
    "<img name=getElementById><img id=transcript>",
    "__proto__",
    "constructor",
]


@pytest.mark.parametrize("text", CORPUS)
def test_nothing_typed_acts(page: Page, examples: ServerProcess, text: str) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    session = SessionPage.start(page, examples, "everything.scripts")
    session.type("Say what?", text)
    page.locator("#transcript .form .prompt").nth(3).get_by_role("radio").first.check()
    session.submit()
    page.locator("#transcript > .prompt.buttons").get_by_role("button").first.click()
    expect(session.transcript.locator(".exit .reason")).to_have_text(text)
    expect(session.transcript.locator(".exit .result")).to_have_text(text)
    assert bait_is_harmless(page)
    assert page.evaluate("window.acted") is None
    assert dialogs == []
    assert page.locator("#transcript").get_attribute("data-session-id") == session.session_id
    page.reload()  # what is told again does not act either
    expect(session.transcript.locator(".exit")).to_be_visible()
    assert page.evaluate("window.acted") is None


def bait_is_harmless(page: Page) -> bool:
    """Whether no link leads to a script, and nothing that could act is there."""
    links = page.locator("#transcript a").evaluate_all("links => links.map(link => link.protocol)")
    acting = page.locator(
        "#transcript :is(script, iframe, object, embed, style, base, meta, link, [onerror], [onload])"
    )
    pressing = page.locator("#transcript .markdown :is(label, fieldset, [for], [accesskey], [tabindex])")
    return not {"javascript:", "data:"} & set(links) and acting.count() == pressing.count() == 0


def test_every_page_forbids_inline_script_and_style(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    for path in ("/", "/apps/greeter.greet", f"/s/{session.session_id}", "/sign-in", "/api/docs", "/nowhere"):
        policy = examples.client().http.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_own_pages_break_no_rule_of_theirs(page: Page, examples: ServerProcess) -> None:
    broken: list[str] = []
    page.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
    session = SessionPage.start(page, examples, "everything.show")
    expect(session.transcript.locator("figure canvas")).to_have_count(4)
    for path in ("/", "/sign-in", "/api/docs"):
        page.goto(examples.url + path)
        page.wait_for_load_state("networkidle")
    assert broken == []
