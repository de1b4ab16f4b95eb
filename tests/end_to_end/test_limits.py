"""Time limits on a real server: what is overdue ends as expired, and old sessions are removed beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.client import Message
from tests.deadline import until
from tests.server import ROOT, ServerProcess

StartServer = Callable[..., ServerProcess]


@pytest.fixture
def start_quick(start_server: StartServer) -> StartServer:
    """Starts a server that looks often."""

    def start(**environment: str) -> ServerProcess:
        return start_server(YERA_SWEEP_SECONDS="0.1", YERA_STOP_GRACE_SECONDS="0.1", **environment)

    return start


def exit_of(messages: Iterator[Message]) -> dict[str, Any]:
    """How a followed session ends."""
    *_, last = (message.data for message in messages if message.event == "message")
    assert last["block_type"] == "exit"
    return dict(last["data"])


def prune(server: ServerProcess) -> str:
    command = [sys.executable, "manage.py", "prune_sessions", "--older-than", "0s"]
    done = subprocess.run(
        command, cwd=ROOT, env=server.environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_spinning_app_is_stopped_and_its_runner_lives_on(start_quick: StartServer) -> None:
    server = start_quick(YERA_MAX_RUN_SECONDS="0.5")
    client, runner = server.client(), server.runner()
    spinning = client.create("hostile.spin")
    with client.stream(spinning, follow=True) as messages:
        assert exit_of(messages)["exit_code"] == 124
    assert until(lambda: runner.cpu_percent(interval=0.5) < 50)
    session = client.create("steady.ask")
    assert client.turn(session)[-1].data["block_type"] == "input_request"
    client.answer(session, "input_request-1", "hello")
    assert client.turn(session)[-1].data["data"]["return_value"] == "hello"
    assert server.runner().pid == runner.pid


def test_waiting_session_expires_and_is_removed(start_quick: StartServer) -> None:
    """Beside one that writes all the time."""
    server = start_quick(YERA_MAX_WAIT_SECONDS="0.5")
    client = server.client()
    writing = client.create("steady.chatter")
    waiting = client.create("steady.ask")
    with client.stream(waiting, follow=True) as messages:
        assert exit_of(messages)["reason"].startswith("The session waited for an answer until")
    assert client.post_answer(waiting, "input_request-1", "late").status_code == 409
    assert prune(server) == "1 removed\n"
    assert client.http.get(f"/api/session/{waiting}").status_code == 404
    assert client.state(writing)["status"] == "running"
