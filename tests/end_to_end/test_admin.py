"""The admin of a real server, over HTTP: its first user, what apps print and raise, and cancelling."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest

from tests.client import SessionClient
from tests.deadline import until
from tests.end_to_end.test_hostile_apps import play_neighbour
from tests.server import ROOT, ServerProcess

StartServer = Callable[..., ServerProcess]
NAME, PASSWORD = "root", "correct horse"
SESSIONS = "/admin/sessions_app/session/"


def make_operator(server: ServerProcess) -> None:
    """As the server says at its first start."""
    (command,) = re.findall(r"/admin/, has no user yet: (.*)", server.log)
    environment = {
        **server.environment,
        "DJANGO_SUPERUSER_USERNAME": NAME,
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        "DJANGO_SUPERUSER_EMAIL": "root@example.org",
    }
    words = [*shlex.split(command), "--noinput"]
    subprocess.run(words, env=environment, cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(scope="module")
def admin_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("admin")
    server = ServerProcess(
        folder,
        YERA_APPS_DIRS=os.fspath(ROOT / "tests" / "end_to_end" / "apps"),
        YERA_SWEEP_SECONDS="0.1",
        YERA_STOP_GRACE_SECONDS="0.1",
        YERA_PRINTED_CHARACTERS="100",
    ).start()
    make_operator(server)
    yield server
    server.dispose()


@pytest.fixture
def client(admin_server: ServerProcess) -> SessionClient:
    return admin_server.client()


@pytest.fixture
def admin(admin_server: ServerProcess) -> Iterator[httpx.Client]:
    """A signed-in operator's browser, so to speak."""
    with httpx.Client(base_url=admin_server.url, timeout=20, trust_env=False, follow_redirects=True) as admin:
        admin.get("/admin/login/")
        form = {"username": NAME, "password": PASSWORD, "next": "/admin/"}
        assert "Site administration" in post(admin, "/admin/login/", form).text
        yield admin


def post(admin: httpx.Client, path: str, form: dict[str, str]) -> httpx.Response:
    return admin.post(path, data={**form, "csrfmiddlewaretoken": admin.cookies["csrftoken"]})


def page_of(admin: httpx.Client, session: str) -> str:
    response = admin.get(f"{SESSIONS}{session}/change/")
    assert response.status_code == 200
    return response.text


def cancel(admin: httpx.Client, session: str) -> str:
    form = {"action": "cancel", "index": "0", "_selected_action": session}
    return post(admin, SESSIONS, form).text


def test_first_user_is_asked_for_only_once(admin_server: ServerProcess) -> None:
    admin_server.terminate()
    said = admin_server.log
    admin_server.start()
    assert "has no user yet" not in admin_server.log.removeprefix(said)


def test_printed_text_and_traceback(client: SessionClient, admin: httpx.Client) -> None:
    session = client.create("steady.stumble")
    client.turn(session)
    assert until(lambda: "before the question\n</pre>" in page_of(admin, session))
    client.answer(session, "input_request-1", "<me>")
    client.turn(session)
    assert until(lambda: "before the question\nthey said &lt;me&gt;\n</pre>" in page_of(admin, session))
    html = page_of(admin, session)
    assert re.search(r"Traceback.*in stumble.*ValueError: cannot stand &lt;&lt;me&gt;&gt;", html, re.DOTALL)


@pytest.mark.parametrize("app", ["steady.ask", "hostile.spin", "hostile.flood_prints"])
def test_cancel_ends_the_open_stream(
    admin_server: ServerProcess, client: SessionClient, admin: httpx.Client, app: str
) -> None:
    session = client.create(app)
    with client.stream(session, after=0, follow=True) as messages:
        while next(messages).event != "message":
            pass
        assert "Cancelled: 1. Had ended already: 0." in cancel(admin, session)
        assert list(messages)[-1].data["data"]["exit_code"] == 130
    assert "Cancelled: 0. Had ended already: 1." in cancel(admin, session)
    runner = admin_server.runner()
    assert until(lambda: runner.cpu_percent(interval=0.3) < 50)


def test_printed_text_survives_a_stop_of_the_server(start_server: StartServer) -> None:
    server = start_server(YERA_SWEEP_SECONDS="600")
    client = server.client()
    with client.stream(client.create("hostile.flood_prints")) as messages:
        next(messages)
    server.terminate()
    with closing(sqlite3.connect(server.folder / "db.sqlite3")) as database:
        assert database.execute("SELECT text FROM sessions_app_printedtext").fetchall()


def test_app_that_prints_without_end_is_bounded(
    admin_server: ServerProcess, client: SessionClient, admin: httpx.Client
) -> None:
    flood = client.create("hostile.flood_prints")
    assert until(lambda: re.search(">x{100}</pre>", page_of(admin, flood)))
    runner = admin_server.runner()
    before = runner.memory_info().rss
    play_neighbour(client)
    play_neighbour(client, "steady.ask_async")
    assert runner.memory_info().rss - before < 20 * 1024 * 1024
    cancel(admin, flood)
