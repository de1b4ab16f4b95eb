"""The server as an operator has it: it starts, stops, is killed, starts again, and loses nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.client import SessionClient
from tests.deadline import until
from tests.server import ROOT, ServerProcess

StartServer = Callable[..., ServerProcess]


def test_health_and_neighbours(client: SessionClient) -> None:
    assert client.http.get("/health").json()["status"] == "healthy"
    assert client.http.get("/ready").json()["status"] == "ready"
    assert client.http.get("/api/deploy-config").json() == {"deploy_available": False}
    apps = {app["id"]: app for app in client.http.get("/api/apps").json()["apps"]}
    assert apps["greeter.greet"]["name"] == "Greeter"
    assert apps["greeter.greet"].keys() == {"id", "name", "description", "path"}


def test_cancel_ends_the_stream_and_is_idempotent(client: SessionClient, server: ServerProcess) -> None:
    session = client.create("steady.ask")
    with client.stream(session, after=0, follow=True) as messages:
        while next(messages).data.get("status") != "waiting":
            pass
        first = server.client().cancel(session)
        assert list(messages)[-1].data["data"]["exit_code"] == 130
    assert first["status"] == "cancelled"
    assert client.cancel(session) == first
    assert client.post_answer(session, "input_request-1", "x").status_code == 409


@pytest.mark.parametrize("end", [ServerProcess.kill, ServerProcess.terminate])
def test_session_outlives_its_server(start_server: StartServer, end: Callable[[ServerProcess], int]) -> None:
    server = start_server()
    client = server.client()
    session = client.create("steady.turns")
    before = client.turn(session)
    orphan = server.runner()
    end(server)
    assert until(lambda: not orphan.is_running())  # a runner ends with its server
    server.start()
    assert client.state(session)["status"] == "waiting"
    for number in (1, 2, 3):
        client.answer(session, f"input_request-{number}", "next")
        client.turn(session)
    for block_id, value in (("input_request-4", "Oslo"), ("slider-1", 3), ("buttons-1", "a")):
        client.answer(session, block_id, value)
    client.turn(session)
    with client.stream(session, after=0, follow=True) as messages:
        story = [message for message in messages if message.seq]
    assert story[: len(before)] == before
    assert story[-1].data["data"]["return_value"] == "('Oslo', 3.0, 'a')"
    assert [message.seq for message in story] == list(range(1, len(story) + 1))


def test_runner_that_dies_is_replaced(start_server: StartServer) -> None:
    server = start_server()
    client = server.client()
    for _ in range(3):
        runner = server.runner()
        runner.send_signal(signal.SIGKILL)
        # Created while there is no runner, or while one is dying: the next one takes it up.
        session = client.create("steady.ask")
        assert client.turn(session)[-1].data["block_type"] in ("input_request", "exit")
        assert until(lambda: [new.pid for new in server.runners()] not in ([], [runner.pid]))  # noqa: B023
        again = client.create("steady.ask")
        assert client.turn(again)[-1].data["block_type"] == "input_request"


def test_session_that_nobody_holds_is_played_on(start_server: StartServer) -> None:
    """As a runner of an earlier server may leave it, when that was killed."""
    server = start_server(YERA_SWEEP_SECONDS="0.1")
    client = server.client()
    session = client.create("steady.ask")
    client.turn(session)
    with closing(sqlite3.connect(server.folder / "db.sqlite3", isolation_level=None)) as database:
        database.execute("UPDATE sessions_app_session SET owner = 'long gone', epoch = epoch + 1")
    client.answer(session, "input_request-1", "hello")
    assert client.turn(session)[-1].data["data"]["return_value"] == "hello"


def test_runner_that_hangs_is_replaced(start_server: StartServer) -> None:
    server = start_server(YERA_RUNNER_SILENCE_SECONDS="1", YERA_SWEEP_SECONDS="0.2")
    client = server.client()
    runner = server.runner()
    runner.suspend()
    session = client.create("steady.ask")
    assert client.turn(session)[-1].data["block_type"] == "input_request"
    assert server.runner().pid != runner.pid


def test_second_server_on_one_database_is_refused(start_server: StartServer) -> None:
    server = start_server()
    command = [sys.executable, "manage.py", "serve", "--port", "0"]
    second = subprocess.run(
        command, cwd=ROOT, env=server.environment, capture_output=True, text=True, timeout=60
    )
    assert second.returncode != 0
    assert "Another server already runs on" in second.stderr + second.stdout
    assert server.client().http.get("/health").status_code == 200


def test_runserver_works_too(start_server: StartServer) -> None:
    """Django's own command, as daphne serves it; the runner starts with the first request."""
    server = start_server()
    server.terminate()
    address = f"127.0.0.1:{server.port}"
    command = [sys.executable, "manage.py", "runserver", "--noreload", address]
    with subprocess.Popen(command, cwd=ROOT, env=server.environment, stdout=subprocess.DEVNULL) as process:
        try:
            client = server.client()
            assert until(lambda: answers(client, "/health"))
            session = client.create("steady.ask")
            assert client.turn(session)[-1].data["block_type"] == "input_request"
            client.answer(session, "input_request-1", "hello")
            assert client.turn(session)[-1].data["data"]["return_value"] == "hello"
        finally:
            os.kill(process.pid, signal.SIGTERM)


def answers(client: SessionClient, path: str) -> bool:
    try:
        return client.http.get(path).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("while True: pass", "does not come to an end within 1 s"),
        ("import ctypes; ctypes.string_at(0)", "ended its process with exit code -11"),
        ("import os; os._exit(0)", "ended its process with exit code 0"),
    ],
)
def test_app_file_that_ends_or_hangs_its_process_stops_no_other(
    start_server: StartServer, tmp_path: Path, code: str, problem: str
) -> None:
    server = start_server()
    server.terminate()
    (tmp_path / "broken.py").write_text(code)
    (tmp_path / "good.py").write_text("import yera as yr\n\n\n@yr.app\ndef good() -> None: ...\n")
    server.environment["YERA_APPS_DIRS"] = str(tmp_path)
    server.start("--file-seconds", "1")
    assert f"broken: {tmp_path / 'broken.py'} {problem}" in server.log
    if "_exit" not in code:  # which leaves no trace
        assert f'File "{tmp_path / "broken.py"}", line 1' in server.log
    client = server.client()
    assert client.events(client.create("good.good"))[-1]["data"]["exit_code"] == 0
