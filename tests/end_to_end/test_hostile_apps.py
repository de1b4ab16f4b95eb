"""Invariant 8: whatever an app does, HTTP, open streams and other sessions go on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sessions_app.dispatch.recovery import MAX_DEATHS
from tests.client import SessionClient
from tests.deadline import until
from tests.server import ServerProcess

StartServer = Callable[..., ServerProcess]


def play_neighbour(client: SessionClient, app_id: str = "steady.ask") -> None:
    """Another session, from its start over an answer to its exit."""
    session = client.create(app_id)
    assert client.turn(session)[-1].data["block_type"] == "input_request"
    client.answer(session, "input_request-1", "hello")
    assert client.turn(session)[-1].data["data"]["return_value"] == "hello"


@pytest.mark.parametrize("app", ["spin", "spin_async", "sleep", "sleep_async"])
def test_app_that_does_not_give_way_stops_nobody(start_server: StartServer, app: str) -> None:
    server = start_server(YERA_ASYNC_BLOCK_SECONDS="0.5")
    client = server.client()
    hostile = client.create(f"hostile.{app}")
    with client.stream(hostile) as messages:
        next(messages)
        for neighbour in ("steady.ask", "steady.ask_async"):
            play_neighbour(client, neighbour)
        assert client.http.get("/health").status_code == 200
        assert client.http.get("/ready").status_code == 200


@pytest.mark.parametrize("app", ["spin_async", "sleep_async"])
def test_async_app_that_blocks_the_loop_fails_alone(start_server: StartServer, app: str) -> None:
    client = start_server(YERA_ASYNC_BLOCK_SECONDS="0.3").client()
    exit_event = client.events(client.create(f"hostile.{app}"))[-1]
    assert exit_event["data"]["error_cause"]["error_type"] == "EventLoopBlocked"
    play_neighbour(client, "steady.ask_async")


@pytest.mark.parametrize("app", ["spin", "spin_async", "sleep_async"])
def test_cancel_frees_the_processor(start_server: StartServer, app: str) -> None:
    server = start_server(
        YERA_STOP_GRACE_SECONDS="0.1", YERA_SWEEP_SECONDS="0.1", YERA_ASYNC_BLOCK_SECONDS="0.5"
    )
    client = server.client()
    session = client.create(f"hostile.{app}")
    with client.stream(session) as messages:
        next(messages)
    assert client.cancel(session)["status"] == "cancelled"
    runner = server.runner()
    assert until(lambda: runner.cpu_percent(interval=0.5) < 50)


@pytest.mark.parametrize("app", ["spin", "spin_async"])
def test_delete_frees_the_processor_and_leaves_nothing(start_server: StartServer, app: str) -> None:
    server = start_server(
        YERA_STOP_GRACE_SECONDS="0.1", YERA_SWEEP_SECONDS="0.1", YERA_ASYNC_BLOCK_SECONDS="0.5"
    )
    client, follower = server.client(), server.client()
    session = client.create(f"hostile.{app}")
    with follower.stream(session, after=0, follow=True) as messages:
        while not next(messages).seq:
            pass
        assert client.http.delete(f"/api/session/{session}").status_code == 204
        assert list(messages)[-1].data["data"]["exit_code"] == 130
    assert client.http.get(f"/api/session/{session}").status_code == 404
    runner = server.runner()
    assert until(lambda: runner.cpu_percent(interval=0.5) < 50)
    play_neighbour(client)


@pytest.mark.parametrize("app", ["leave", "crash"])
def test_app_that_kills_its_process_takes_nothing_down(start_server: StartServer, app: str) -> None:
    server = start_server()
    client, follower = server.client(), server.client()
    session, bystander = client.create(f"hostile.{app}"), client.create("steady.ask")
    client.turn(session)
    client.turn(bystander)
    runner = server.runner()
    with follower.stream(bystander, follow=True) as messages:
        assert next(messages).event == "status"
        client.answer(session, "buttons-1", "exit" if app == "leave" else "crash")
        # Played again alone, it kills its runner each time: so it is known.
        assert error_type(client, session) == "RunnerDied"
        assert not runner.is_running() or runner.status() == "zombie"
        # The others' streams stay open, and their sessions go on in the next runner.
        client.answer(bystander, "input_request-1", "hello")
        assert list(messages)[-1].data["data"]["return_value"] == "hello"
    assert server.log.count("died with exit code") == 1 + MAX_DEATHS
    play_neighbour(client)
    assert client.http.get("/health").status_code == 200


def test_app_that_holds_the_interpreter_has_its_runner_replaced(start_server: StartServer) -> None:
    """For its silence: nothing else is wrong with it."""
    server = start_server(YERA_RUNNER_SILENCE_SECONDS="2")
    client, runner = server.client(), server.runner()
    hostile = client.create("hostile.hold_interpreter")
    assert client.http.get("/health").status_code == 200
    assert until(lambda: not runner.is_running())
    play_neighbour(client)
    assert error_type(client, hostile) == "RunnerDied"


def test_runner_that_is_stopped_in_a_commit_is_replaced(start_server: StartServer) -> None:
    """For the lock that all writers share, long before its silence would be noticed."""
    server = start_server(
        YERA_SWEEP_SECONDS="0.1", YERA_LOCK_SECONDS="0.5", YERA_RUNNER_SILENCE_SECONDS="3600"
    )
    client = server.client()
    hostile = client.create("hostile.hold_interpreter_in_a_commit")
    assert until((server.folder / "db.sqlite3.held").exists)
    play_neighbour(client)  # it cannot even be created before the lock is free
    # Played alone it does so again, and is noticed by whoever writes then.
    assert until(lambda: client.create("steady.ask") and client.state(hostile)["status"] == "failed")
    assert error_type(client, hostile) == "RunnerDied"


def error_type(client: SessionClient, session: str) -> str:
    """What the session failed with."""
    return str(client.turn(session)[-1].data["data"]["error_cause"]["error_type"])


def test_child_that_an_app_forks_holds_nothing_up(start_server: StartServer) -> None:
    server = start_server()
    client = server.client()
    for _ in range(5):
        client.create("steady.chatter")
    session = client.create("hostile.fork_and_leave")
    client.turn(session)
    client.answer(session, "buttons-1", "fork")
    assert error_type(client, session) == "RunnerDied"
    play_neighbour(client)


@pytest.mark.parametrize(
    ("app", "setting", "reason"),
    [
        ("flood", {"YERA_MAX_TURN_ENTRIES": "5000"}, "5000 log entries in one turn"),
        ("flood_and_swallow", {"YERA_MAX_TURN_ENTRIES": "5000"}, "5000 log entries in one turn"),
        ("flood_bytes", {"YERA_MAX_SESSION_BYTES": "1000000"}, "1000000 bytes"),
    ],
)
def test_app_that_emits_without_end_is_stopped(
    start_server: StartServer, app: str, setting: dict[str, str], reason: str
) -> None:
    server = start_server(YERA_SWEEP_SECONDS="0.1", YERA_STOP_GRACE_SECONDS="0.1", **setting)
    client = server.client()
    session = client.create(f"hostile.{app}")
    events = client.events(session)
    data = events[-1]["data"]
    assert data["error_cause"]["error_type"] == "LimitExceeded"
    assert reason in data["reason"]
    assert len(events) <= 5001
    assert client.state(session)["status"] == "failed"
    assert until(lambda: server.runner().cpu_percent(interval=0.5) < 50)


@pytest.mark.parametrize("app", ["leave_by_sys_exit", "leave_task_by_sys_exit"])
def test_sys_exit_ends_its_session_alone(client: SessionClient, app: str) -> None:
    exit_event = client.events(client.create(f"hostile.{app}"))[-1]
    assert exit_event["data"]["error_cause"]["error_type"] == "SystemExit"
    play_neighbour(client, "steady.ask_async")
