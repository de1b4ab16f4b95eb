"""The page shows one session however often it is reloaded, opened, cut off or its server restarted."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.deadline import until
from tests.end_to_end.session_page import SessionPage
from tests.proxy import Proxy
from tests.server import ServerProcess

StartServer = Callable[..., ServerProcess]


STREAMED = 60  # numbers that everything.stream tells


def numbers(session: SessionPage) -> list[int]:
    """Those that the page shows, in order."""
    return [int(number) for number in re.findall(r"n(\d+)\.", session.transcript.inner_text())]


def test_reload_in_the_middle(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    session.type("What is your name?", "Ada")
    session.expect_answered("What is your name?")
    page.reload()
    session.expect_answered("What is your name?")
    expect(session.prompt("What is your name?")).to_contain_text("Ada")
    session.press("How shall I greet you?", "briefly")
    session.expect_end("greeted Ada briefly")
    page.reload()
    session.expect_end("greeted Ada briefly")
    expect(session.transcript.locator(".prompt.answered")).to_have_count(2)
    expect(session.transcript.locator(".exit")).to_have_count(1)


def test_reload_while_it_streams(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "everything.stream")
    session.expect_text("n5.")
    page.reload()
    session.expect_end("all told")
    assert numbers(session) == list(range(STREAMED))


def test_second_tab_follows(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    other_page = page.context.new_page()
    other_page.goto(page.url)
    other = SessionPage(other_page)
    other.type("What is your name?", "Ada")
    session.expect_answered("What is your name?")
    expect(session.prompt("What is your name?")).to_contain_text("Ada")
    session.press("How shall I greet you?", "kindly")
    for each in (session, other):
        each.expect_text("Lovely to meet you, Ada.")
        each.expect_end("greeted Ada kindly")


def test_runner_that_dies_is_not_noticed(page: Page, start_server: StartServer) -> None:
    server = start_server(YERA_APPS_DIRS="")
    session = SessionPage.start(page, server, "greeter.greet")
    expect(session.prompt("What is your name?")).to_have_class(re.compile("open"))
    runner = server.runner()
    runner.send_signal(signal.SIGKILL)
    session.type("What is your name?", "Ada")
    session.press("How shall I greet you?", "kindly")
    session.expect_end("greeted Ada kindly")


@pytest.mark.parametrize("app_id", ["everything.stream", "everything.stream_in_a_step"])
def test_runner_that_dies_in_the_middle_is_made_good(
    page: Page, start_server: StartServer, app_id: str
) -> None:
    """What a step had shown is taken back and shown again; what the app itself had shown stands."""
    server = start_server(YERA_APPS_DIRS=str(Path(__file__).parent / "apps"))
    session = SessionPage.start(page, server, app_id)
    session.expect_text("n9.")
    server.runner().send_signal(signal.SIGKILL)
    session.expect_end("all told")
    assert numbers(session) == list(range(STREAMED))
    expect(page.locator("#connection")).to_be_hidden()


def test_server_restarts_while_it_is_watched(page: Page, start_server: StartServer) -> None:
    server = start_server(YERA_APPS_DIRS="")
    session = SessionPage.start(page, server, "greeter.greet")
    session.expect_text("What is your name?")
    server.terminate()
    expect(page.locator("#connection")).to_contain_text("Connection lost")
    server.start()
    expect(page.locator("#connection")).to_be_hidden()
    session.type("What is your name?", "Ada")
    session.press("How shall I greet you?", "kindly")
    session.expect_end("greeted Ada kindly")
    expect(session.transcript.get_by_role("heading", name="Hello!")).to_have_count(1)


def test_lost_connection_loses_nothing(page: Page, examples: ServerProcess) -> None:
    with Proxy(examples.port) as proxy:
        page.goto(f"{proxy.url}/apps/everything.stream")
        session = SessionPage(page)
        session.expect_text("n5.")
        proxy.cut()
        expect(page.locator("#connection")).to_contain_text("Connection lost")
        proxy.mend()
        session.expect_end("all told")
        assert numbers(session) == list(range(STREAMED))


def test_session_that_was_deleted_says_so(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    session.expect_text("What is your name?")
    client = examples.client()
    assert client.http.delete(f"/api/session/{session.session_id}").status_code == 204
    expect(session.transcript.locator(".exit")).to_contain_text("Cancelled")
    response = page.reload()
    assert response is not None
    assert response.status == 404


ASK_TWICE = """
import yera as yr


@yr.app(model=False)
def main() -> str:
    yr.{shows}
    return yr.text_input("Who?") + yr.text_input("And?")
"""


def test_session_that_an_app_has_diverged_from_waits_for_a_person(
    page: Page, start_server: StartServer, tmp_path: Path
) -> None:
    file = tmp_path / "changing.py"
    file.write_text(ASK_TWICE.format(shows="markdown('Well?')"))
    server = start_server(YERA_APPS_DIRS=str(tmp_path))
    session = SessionPage.start(page, server, "changing.main")
    session.expect_text("Who?")
    server.terminate()
    file.write_text(ASK_TWICE.format(shows="table([['Well?']])"))
    server.start()
    session.type("Who?", "Ada")
    notice = page.get_by_text("This session is paused")
    expect(notice).to_be_visible()
    expect(page.get_by_role("link", name="Start anew")).to_be_visible()
    page.reload()
    expect(notice).to_be_visible()
    file.write_text(ASK_TWICE.format(shows="markdown('Well?')"))
    page.get_by_role("button", name="Try again").click()
    session.type("And?", "Bob")
    session.expect_end("AdaBob")
    expect(notice).to_be_hidden()


def test_double_click_sends_once(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    session.type("What is your name?", "Ada")
    posts: list[str] = []

    def count(route: Route) -> None:
        posts.append(route.request.url)
        route.continue_()

    page.route("**/interaction", count)
    session.prompt("How shall I greet you?").get_by_role("button", name="kindly").dblclick()
    session.expect_end("greeted Ada kindly")
    assert len(posts) == 1


def test_refusal_is_shown_and_can_be_mended(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "everything.show")
    session.type("A text?", "x")
    session.press("A colour?", "red")
    slider = session.prompt("A number?").get_by_role("slider")
    slider.evaluate("slider => { slider.max = 99; slider.value = 50 }")
    session.send("A number?")
    alert = session.prompt("A number?").get_by_role("alert")
    expect(alert).to_contain_text("expects a number from 0 to 10, not 50")
    session.slide("A number?", "5")
    session.send("A number?")
    session.expect_answered("A number?")
    expect(alert).to_be_hidden()


def test_answer_that_came_second_says_so(page: Page, examples: ServerProcess) -> None:
    session = SessionPage.start(page, examples, "greeter.greet")
    session.expect_text("What is your name?")
    client = examples.client()

    def answer_first(route: Route) -> None:
        client.answer(session.session_id, "input_request-1", "Bob")
        assert until(lambda: client.state(session.session_id)["last_seq"] > 3)
        route.continue_()

    page.route("**/interaction", answer_first)
    session.type("What is your name?", "Ada")
    session.expect_answered("What is your name?")
    expect(session.prompt("What is your name?")).to_contain_text("Bob")
