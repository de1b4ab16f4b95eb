"""A database that takes nothing for a while, for its disk is full or another program has it locked.

What cannot be kept is refused, what was kept is there, and everything goes on by itself.
"""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.client import Message, SessionClient
from tests.deadline import until
from tests.server import ServerProcess
from tests.storage import full_disk, locked

StartServer = Callable[..., ServerProcess]
Breaks = Callable[[ServerProcess], AbstractContextManager[None]]

KEY = {"Idempotency-Key": "0123456789abcdef"}
ASK = {"app_id": "steady.ask"}


def full(server: ServerProcess) -> AbstractContextManager[None]:
    return full_disk(psutil.Process(server.pid), *server.all_runners())


def busy(server: ServerProcess) -> AbstractContextManager[None]:
    return locked(server.folder / "db.sqlite3")


either_way = pytest.mark.parametrize("breaks", [full, busy])


@pytest.fixture
def receipts(tmp_path: Path) -> Path:
    """Where the app that pays leaves its receipts."""
    folder = tmp_path / "receipts"
    folder.mkdir()
    return folder


@pytest.fixture
def server(start_server: StartServer, receipts: Path) -> ServerProcess:
    return start_server(SQLITE_TIMEOUT_SECONDS="0.3", YERA_SWEEP_SECONDS="0.2", RECEIPTS=str(receipts))


class Follower(threading.Thread):
    """One stream of a whole session, over whatever happens."""

    def __init__(self, client: SessionClient, session: str) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self._client, self._session = client, session
        self.start()

    def run(self) -> None:
        with self._client.stream(self._session, after=0, follow=True) as messages:
            for message in messages:
                self.messages.append(message)

    def contents(self) -> list[Any]:
        """What was shown, when the stream has come to its end."""
        self.join()
        events = [message for message in self.messages if message.event == "message"]
        assert [message.seq for message in events] == sorted({message.seq for message in events})
        return [event.data["data"].get("content") for event in events]


def create(client: SessionClient) -> httpx.Response:
    return client.http.post("/api/session", json=ASK, headers=KEY)


def answer(client: SessionClient, session: str) -> httpx.Response:
    body = {"blockId": "input_request-1", "value": "hello", "blockType": "text"}
    return client.http.post(f"/api/session/{session}/interaction", json=body, headers=KEY)


def refused_calls(client: SessionClient, session: str) -> list[httpx.Response]:
    """What comes of everything that has to be kept."""
    path = f"/api/session/{session}"
    return [
        create(client),
        answer(client, session),
        client.http.patch(path, json={"title": "Mine"}),
        client.http.post(f"{path}/fork", json={"after": 0}),
        client.http.post(f"{path}/cancel"),
        client.http.delete(path),
    ]


def shown(client: SessionClient, session: str) -> list[Any]:
    """Everything that can be read of a session."""
    events = client.http.get(f"/api/session/{session}/events").json()
    return [client.state(session), client.turn(session), events]


@either_way
def test_what_cannot_be_kept_is_refused_and_can_be_sent_again(server: ServerProcess, breaks: Breaks) -> None:
    client = server.client()
    session = client.create("steady.ask")
    client.turn(session)
    before = shown(client, session)
    with breaks(server):
        for refused in refused_calls(client, session):
            assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
            assert int(refused.headers["Retry-After"]) > 0
        assert shown(client, session) == before
        assert client.http.get("/ready").json()["code"] == "not_ready"
        assert client.http.get("/health").status_code == 200
    assert shown(client, session) == before, "nothing of it comes later"
    created, again = create(client), create(client)
    assert (created.status_code, created.json()) == (201, again.json())
    assert [answer(client, session).status_code for _ in range(2)] == [200, 200]
    assert client.turn(session)[-1].data["data"]["return_value"] == "hello"
    assert client.http.get("/ready").status_code == 200
    ids = [each["session_id"] for each in client.http.get("/api/session").json()["sessions"]]
    assert ids == [created.json()["session_id"], session], "one, though its start was sent three times"


@either_way
def test_sessions_go_on_by_themselves(server: ServerProcess, receipts: Path, breaks: Breaks) -> None:
    client, runner = server.client(), server.runner()
    idle = runner.num_threads()
    sessions = {name: client.create(f"steady.{name}") for name in ("payments", "naps")}
    following = {name: Follower(server.client(), session) for name, session in sessions.items()}
    assert until(lambda: all(each.messages for each in following.values()))
    with breaks(server):
        assert until(lambda: runner.num_threads() <= idle), "their writes are refused, and they are stopped"
        assert {client.state(session)["status"] for session in sessions.values()} <= {"running", "waiting"}
    for name, session in sessions.items():
        assert following[name].contents() == [*map(str, range(60)), None], name
        assert client.state(session)["status"] == "finished"
    assert server.runners() == [runner]
    recorded = client.state(sessions["payments"])["exit"]["return_value"].split()
    made = sorted(receipts.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    latest = {path.name.partition("_")[0]: path.name for path in made}
    assert list(latest.values()) == recorded, "nothing is paid again once it is recorded"
    assert len(made) <= len(recorded) + 1, "only what was under way is paid twice"


@either_way
def test_runner_that_dies_meanwhile_is_replaced(server: ServerProcess, breaks: Breaks) -> None:
    client = server.client()
    session = client.create("steady.ask")
    client.turn(session)
    with breaks(server):
        server.runner().send_signal(signal.SIGKILL)
        assert until(lambda: not server.runners())
        assert create(client).status_code == 503
    assert until(lambda: len(server.runners()) == 1)
    client.answer(session, "input_request-1", "hello")
    assert client.turn(session)[-1].data["data"]["return_value"] == "hello"


def test_suspect_that_could_not_be_taken_up_is_tried_again(server: ServerProcess) -> None:
    client = server.client()
    session = client.create("steady.payments")
    assert until(lambda: client.state(session)["last_seq"] > 0)
    server.runner().send_signal(signal.SIGKILL)
    assert until(lambda: has_suspect(server))
    with busy(server):  # before there is a runner for it
        assert until(lambda: "nothing of them is kept" in server.log)
    assert until(lambda: client.state(session)["status"] == "finished")
    assert len(server.all_runners()) == 2, "the one that had tried it before has played it"


def has_suspect(server: ServerProcess) -> bool:
    with closing(sqlite3.connect(server.folder / "db.sqlite3")) as database:
        rows = database.execute("SELECT 1 FROM sessions_app_session WHERE is_suspect AND owner = ''")
        return rows.fetchone() is not None


def test_refused_entries_leave_no_hole(server: ServerProcess) -> None:
    client = server.client()
    session = client.create("steady.count")
    assert until(lambda: client.state(session)["last_seq"] > 300)
    with busy(server):
        assert until(lambda: "nothing of them is kept" in server.log)
        kept = client.state(session)["last_seq"]
    assert until(lambda: client.state(session)["last_seq"] > kept)
    client.cancel(session)
    contents = [event["data"].get("content") for event in client.events(session, after=0)]
    assert contents == [*map(str, range(1, len(contents))), None]
    assert server.log.count("nothing of them is kept") == 1, "not one line for each refusal"
    assert until(lambda: "takes commits again" in server.log)


def test_answer_waits_for_the_lock(start_server: StartServer) -> None:
    server = start_server(YERA_SWEEP_SECONDS="0.2")
    client = server.client()
    session = client.create("steady.ask")
    client.turn(session)
    answering = threading.Thread(target=client.answer, args=(session, "input_request-1", "hello"))
    with busy(server):
        answering.start()
        assert server.client().http.get("/health").status_code == 200
    answering.join()
    assert client.turn(session)[-1].data["data"]["return_value"] == "hello"
