"""What the page makes of messages that no shipped app brings about: retracts, other blocks, repeats."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.end_to_end.session_page import SessionPage
from tests.server import ServerProcess

Frames = list[str]


class Script:
    """A stream as the server would send it, frame by frame."""

    def __init__(self) -> None:
        self._seqs = itertools.count(1)
        self.frames: Frames = []

    def event(self, block_id: str, parent: str | None = None, **data: Any) -> int:
        block_type = block_id.rpartition("-")[0]
        event = {"block_type": block_type, "block_id": block_id, "data": data, "parent_block_id": parent}
        return self.send("message", event)

    def send(self, name: str, data: Any) -> int:
        seq = next(self._seqs)
        self.frames.append(f"event: {name}\nid: {seq}\ndata: {json.dumps(data)}\n\n")
        return seq

    def status(self, *pending: str) -> None:
        data = {"status": "waiting", "pending": [{"block_id": block_id} for block_id in pending]}
        self.frames.append(f"event: status\ndata: {json.dumps(data)}\n\n")

    def exit(self) -> None:
        self.event("exit-1", exit_code=0, reason="Done", return_type="NoneType", return_value="None")


@pytest.fixture
def script() -> Script:
    return Script()


def show(page: Page, server: ServerProcess, script: Script) -> SessionPage:
    """The page of a session whose stream is the script, as far as it goes whenever the browser asks."""
    session = server.client().create("greeter.greet")
    headers = {"Content-Type": "text/event-stream"}

    def play(route: Route) -> None:
        route.fulfill(status=200, headers=headers, body="retry: 50\n\n" + "".join(script.frames))

    page.route("**/stream?*", play)
    page.goto(f"{server.url}/s/{session}")
    return SessionPage(page)


def test_retracted_output_goes_and_the_rest_stays(
    page: Page, examples: ServerProcess, script: Script
) -> None:
    script.event("markdown-1", content="before ")
    first = script.event("markdown-1", content="cut off ")
    script.event("spinner-1", status="active", message="working")
    last = script.event("table-1", columns=["a"], rows=[["lost"]], border="all")
    script.event("markdown-1", content="after")
    script.send("retract", {"from_seq": first, "to_seq": last})
    script.event("table-1", columns=["a"], rows=[["kept"]], border="all")
    script.exit()
    session = show(page, examples, script)
    session.expect_text("before after")
    session.expect_text("kept")
    for gone in ("cut off", "working", "lost"):
        expect(session.transcript).not_to_contain_text(gone)


def test_answers_outlast_a_retract(page: Page, examples: ServerProcess, script: Script) -> None:
    script.event("input_request-1", type="text", message="Who?")
    script.send("interaction", {"blockId": "input_request-1", "value": "Ada", "blockType": "text"})
    seq = script.event("markdown-1", content="void")
    script.send("retract", {"from_seq": seq, "to_seq": seq})
    script.event("buttons-1", options=["yes"], label="Well?")
    script.status("buttons-1")
    session = show(page, examples, script)
    session.expect_answered("Who?")
    expect(session.prompt("Who?")).to_contain_text("Ada")
    expect(session.prompt("Well?").get_by_role("button")).to_be_enabled()


def test_same_messages_again_change_nothing(page: Page, examples: ServerProcess, script: Script) -> None:
    """The stream breaks off without an exit, and the browser comes back: all is sent again, and more."""
    script.event("markdown-1", content="once ")
    session = show(page, examples, script)
    session.expect_text("once")
    script.event("markdown-1", content="and more")
    session.expect_text("and more")
    assert session.transcript.inner_text().strip() == "once and more"


def test_blocks_of_models_and_blocks_unknown(page: Page, examples: ServerProcess, script: Script) -> None:
    script.event("system_prompt-1", content="Be kind.")
    script.event("input_echo-1", content="Tell me ")
    script.event("input_echo-1", content="a story")
    script.event("hologram-1", content="from the future")
    script.event("toString-1", content="from the past")
    script.event("markdown-1", "hologram-1", content="inside it")
    script.exit()
    session = show(page, examples, script)
    expect(session.transcript.locator(".system")).to_have_text("Be kind.")
    expect(session.transcript.locator(".said")).to_have_text("Tell me a story")
    session.expect_text("inside it")
    expect(session.transcript).not_to_contain_text("from the")
    session.expect_end("Done")


def test_prompts_wait_only_while_the_status_says_so(
    page: Page, examples: ServerProcess, script: Script
) -> None:
    script.status("slider-1", "date-1")
    script.event("container-1", showBorder=False)
    script.event("slider-1", "container-1", min_value=0, max_value=1, initial_value=0.5, label="Share")
    script.event("date-1", "container-1", value="2025-01-31", label="Day")
    script.event("layout_end-1")
    script.status("date-1")
    session = show(page, examples, script)
    expect(session.prompt("Day").locator("input")).to_be_enabled()
    expect(session.prompt("Share").locator("input")).to_be_disabled()


def test_retract_of_what_was_never_shown_leaves_all_in_place(
    page: Page, examples: ServerProcess, script: Script
) -> None:
    script.event("input_request-1", type="text", message="Who?")
    script.status("input_request-1")
    session = show(page, examples, script)
    box = session.prompt("Who?").get_by_role("textbox")
    box.fill("half a na")
    script.send("retract", {"from_seq": 7, "to_seq": 9})
    script.event("markdown-1", content="behind it")
    session.expect_text("behind it")
    expect(box).to_have_value("half a na")


def test_what_a_layout_of_a_kind_unknown_holds_goes_around_it(
    page: Page, examples: ServerProcess, script: Script
) -> None:
    script.event("container-1", showBorder=True)
    script.event("carousel-1", "container-1")
    script.event("markdown-1", "carousel-1", content="inside both")
    script.event(
        "exit-1", "container-1", exit_code=0, reason="Done", return_type="NoneType", return_value="None"
    )
    session = show(page, examples, script)
    expect(session.transcript.locator(".container .markdown")).to_have_text("inside both")
    expect(session.transcript.locator(".container .exit")).to_have_count(0)
    session.expect_end("Done")


def test_form_inside_a_container_is_sent_as_one(page: Page, examples: ServerProcess, script: Script) -> None:
    script.event("container-1", showBorder=True)
    script.event("form-1", "container-1", showBorder=True)
    script.event("columns-1", "form-1", showBorder=False, column_count=2)
    script.event("input_request-1", "columns-1", type="text", message="Left")
    script.event("input_request-2", "columns-1", type="text", message="Right")
    script.event("buttons-1", "container-1", options=["go"], label="By itself")
    script.status("input_request-1", "input_request-2", "buttons-1")
    session = show(page, examples, script)
    session.prompt("Left").get_by_role("textbox").fill("l")
    session.prompt("Right").get_by_role("textbox").fill("r")
    with page.expect_request("**/interaction") as sent:
        session.submit()
    fields = [
        {"sub_block_id": f"input_request-{number}", "sub_block_type": "input_request", "value": value}
        for number, value in ((1, "l"), (2, "r"))
    ]
    assert sent.value.post_data_json == {"blockId": "form-1", "value": fields, "blockType": "form"}
    expect(session.transcript.get_by_role("alert").filter(has_text="is not waiting")).to_be_visible()
    expect(session.prompt("By itself").get_by_role("button")).to_be_enabled()
