"""An old client works: from another origin, turn by turn, without a CSRF token, whatever its cookies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.client import Message, SessionClient
from tests.conftest import APPS_DIRS
from tests.server import ROOT, ServerProcess

ORIGIN = "https://old.example"
PASSWORD = "a long secret"
HEADERS = ("content-type", "last-event-id", "cache-control", "idempotency-key")  # what pages may send


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that lets pages of ORIGIN in."""
    folder = tmp_path_factory.mktemp("old-client")
    process = ServerProcess(folder, YERA_APPS_DIRS=APPS_DIRS, CORS_ALLOWED_ORIGINS=ORIGIN).start()
    yield process
    process.dispose()


def sign_in(server: ServerProcess) -> dict[str, str]:
    """The cookies of a browser in which a user has signed in on the server's own page."""
    command = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username=ada", "--email="]
    environment = {**server.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    with httpx.Client(base_url=server.url, trust_env=False) as browser:
        browser.get("/admin/login/")
        form = {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        answer = browser.post("/admin/login/", data=form, headers={"Referer": server.url})
        assert answer.status_code == 302, answer.text
        return dict(browser.cookies)


@pytest.fixture(scope="module")
def cookies(server: ServerProcess) -> dict[str, str]:
    return sign_in(server)


def assert_readable(answer: httpx.Response) -> None:
    """A page of ORIGIN may read it, and may have sent cookies."""
    assert answer.headers["access-control-allow-origin"] == ORIGIN, answer.request
    assert answer.headers["access-control-allow-credentials"] == "true"


def as_page(client: SessionClient, cookies: dict[str, str]) -> SessionClient:
    """Makes a client call as a page of ORIGIN does, and check that it may read every answer."""
    client.http.headers["Origin"] = ORIGIN
    client.http.cookies.update(cookies)
    client.http.event_hooks = {"response": [assert_readable]}
    return client


@pytest.fixture(params=["without cookies", "with a user's cookies"])
def page(server: ServerProcess, cookies: dict[str, str], request: pytest.FixtureRequest) -> SessionClient:
    return as_page(server.client(), cookies if request.param == "with a user's cookies" else {})


def block_ids(turn: list[Message]) -> list[str]:
    return [message.data["block_id"] for message in turn]


def field(block_id: str, value: Any) -> dict[str, Any]:
    return {"sub_block_id": block_id, "sub_block_type": block_id.partition("-")[0], "value": value}


def test_turn_by_turn(page: SessionClient) -> None:
    """A new stream after each answer, which brings what is new up to the next pause."""
    session = page.create("greeter.greet")
    assert block_ids(page.turn(session))[-1] == "input_request-1"
    page.answer(session, "input_request-1", "Ada", "text")
    question = page.turn(session)[-1].data
    assert question["block_type"] == "buttons"
    page.answer(session, question["block_id"], question["data"]["options"][0], "buttons")
    last = page.turn(session)
    assert block_ids(last)[-1] == "exit-1"
    assert {message.event for message in last} == {"message"}
    assert page.state(session)["status"] == "finished"


def test_reconnecting_within_a_turn(page: SessionClient) -> None:
    """The browser drops the stream after some messages, and comes back with the last id that it has seen."""
    session = page.create("steady.turns")
    whole = page.turn(session)
    with page.stream(session, after=0) as messages:
        begun = [next(messages) for _ in range(7)]
    with page.stream(session, after=0, last_event_id=str(begun[-1].seq)) as messages:
        assert begun + list(messages) == whole
    page.answer(session, "input_request-1", "on", "text")
    with page.stream(session, last_event_id=str(whole[-1].seq)) as messages:
        assert list(messages) == page.turn(session)


def test_stream_opened_before_the_answer(page: SessionClient, server: ServerProcess) -> None:
    session = page.create("steady.ask")
    asked = page.turn(session)[-1].seq
    with page.stream(session, last_event_id=str(asked)) as messages:
        server.client().answer(session, "input_request-1", "hello", "text")
        (last,) = list(messages)
    assert last.data["data"]["return_value"] == "hello"


def test_form_in_parts(page: SessionClient, server: ServerProcess) -> None:
    """Its text fields apart from its others; a stream opened in between waits for what comes of all."""
    session = page.create("survey.survey")
    assert block_ids(page.turn(session))[-1] == "form-1"
    page.answer(session, "input_request-1", "Paris", "text")
    page.answer(session, "form-1", [field("slider-1", "7")], "form")
    with page.stream(session) as messages:
        server.client().answer(session, "form-1", [field("date-1", "2025-02-01")], "layout")
        assert next(messages).data["data"]["rows"] == [["Paris", 7, "2025-02-01"]]


def test_layouts_within_layouts(page: SessionClient) -> None:
    session = page.create("steady.nested_layouts")
    assert block_ids(page.turn(session))[-1] == "container-1"
    page.answer(session, "columns-1", [field("input_request-1", "left")], "layout")
    assert block_ids(page.turn(session))[-1] == "container-2"
    page.answer(session, "input_request-2", "right", "text")
    assert block_ids(page.turn(session))[-1] == "exit-1"


def test_page_may_read_what_is_refused(page: SessionClient) -> None:
    session = page.create("steady.ask")
    page.turn(session)
    for refused, status in (
        (page.http.post("/api/session", json={"app_id": "no.such"}), 404),
        (page.http.post("/api/session", json={}), 400),
        (page.http.post("/api/session", content=b"x" * (2**20 + 1)), 413),
        (page.http.get("/api/session/none/stream"), 404),
        (page.post_answer(session, "buttons-1", "x"), 409),
        (page.http.put("/api/session", json={}), 405),
        (page.http.get("/api/none"), 404),
    ):
        assert (refused.status_code, refused.json().keys() >= {"detail", "code"}) == (status, True)


def test_neighbours_and_preflights(page: SessionClient) -> None:
    assert page.http.get("/api/deploy-config").json() == {"deploy_available": False}
    assert page.http.get("/health").json()["status"] == "healthy"
    assert page.http.get("/api/apps").json()["apps"]
    for method, path in (
        ("POST", "/api/session"),
        ("GET", "/api/session/any/stream"),
        ("POST", "/api/session/any/interaction"),
        ("PATCH", "/api/session/any"),
        ("DELETE", "/api/session/any"),
    ):
        asked = {
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ", ".join(HEADERS),
        }
        preflight = page.http.options(path, headers=asked)
        assert preflight.status_code == 200
        assert method in preflight.headers["access-control-allow-methods"]
        allowed = preflight.headers["access-control-allow-headers"]
        assert set(HEADERS) <= set(allowed.split(", "))


def test_users_cookie_without_a_csrf_token_starts_a_session_of_nobody(
    server: ServerProcess, cookies: dict[str, str]
) -> None:
    page = as_page(server.client(), cookies)
    session = page.create("steady.ask")
    listed = page.http.get("/api/session").json()["sessions"]
    assert session not in [each["session_id"] for each in listed], "reading, the page is the user"
    assert server.client().state(session)["status"] in ("created", "running", "waiting")


def test_users_own_session_is_hidden_from_a_forged_call(
    server: ServerProcess, cookies: dict[str, str]
) -> None:
    own = server.client()
    own.http.cookies.update(cookies)
    own.http.headers["X-CSRFToken"] = cookies["csrftoken"]
    session = own.create("steady.ask")
    own.turn(session)
    page = as_page(server.client(), cookies)
    assert page.post_answer(session, "input_request-1", "forged").status_code == 404
    assert page.http.post(f"/api/session/{session}/cancel").status_code == 404
    assert page.http.delete(f"/api/session/{session}").status_code == 404
    assert own.state(session)["status"] == "waiting"
    own.answer(session, "input_request-1", "mine")


def test_other_origins_may_not_read(server: ServerProcess) -> None:
    client = server.client()
    client.http.headers["Origin"] = "https://else.example"
    session = client.create("steady.ask")
    for path in (f"/api/session/{session}", f"/api/session/{session}/stream?after=0", "/api/none"):
        assert "access-control-allow-origin" not in client.http.get(path).headers


def test_where_all_must_sign_in_a_forged_call_is_nobodys(start_server: Callable[..., ServerProcess]) -> None:
    server = start_server(CORS_ALLOWED_ORIGINS=ORIGIN, YERA_ACCESS="login")
    page = as_page(server.client(), sign_in(server))
    assert page.http.get("/api/session").json() == {"sessions": [], "next": None}
    refused = page.http.post("/api/session", json={"app_id": "steady.ask"})
    assert (refused.status_code, refused.json()["code"]) == (401, "not_signed_in")
    assert refused.headers["www-authenticate"] == "Token"
    assert as_page(server.client(), {}).http.get("/api/apps").status_code == 401
