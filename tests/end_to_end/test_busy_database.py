"""A database that another program keeps locked: late, but neither lost nor out of order, and none hangs."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from tests.deadline import until
from tests.server import ServerProcess

StartServer = Callable[..., ServerProcess]


@contextmanager
def locked(server: ServerProcess) -> Iterator[None]:
    """Another program writes, and does not come to an end."""
    with closing(sqlite3.connect(server.folder / "db.sqlite3", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            database.execute("ROLLBACK")


def start(start_server: StartServer) -> ServerProcess:
    return start_server(SQLITE_TIMEOUT_SECONDS="0.3", YERA_SWEEP_SECONDS="0.2")


def test_answer_waits_for_the_lock(start_server: StartServer) -> None:
    server = start_server(YERA_SWEEP_SECONDS="0.2")
    client = server.client()
    session = client.create("steady.ask")
    client.turn(session)
    answering = threading.Thread(target=client.answer, args=(session, "input_request-1", "hello"))
    with locked(server):
        answering.start()
        assert server.client().http.get("/health").status_code == 200
    answering.join()
    assert client.turn(session)[-1].data["data"]["return_value"] == "hello"


def test_refused_entries_leave_no_hole(start_server: StartServer) -> None:
    server = start(start_server)
    client = server.client()
    session = client.create("steady.count")
    assert until(lambda: client.state(session)["last_seq"] > 1000)
    with locked(server):
        assert until(lambda: "nothing of it is kept" in server.log)
    assert until(lambda: client.state(session)["status"] == "failed")
    contents = [event["data"].get("content") for event in client.events(session, after=0)]
    assert contents == [*map(str, range(1, len(contents))), None]


def test_sessions_of_a_runner_that_dies_meanwhile_end(start_server: StartServer) -> None:
    server = start(start_server)
    client = server.client()
    session = client.create("steady.ask")
    client.turn(session)
    with locked(server):
        server.runner().send_signal(signal.SIGKILL)
        assert until(lambda: "could not be ended; trying again" in server.log)
    assert until(lambda: client.state(session)["status"] == "failed")
    assert until(lambda: len(server.runners()) == 1)
    again = client.create("steady.ask")
    assert client.turn(again)[-1].data["block_type"] == "input_request"
