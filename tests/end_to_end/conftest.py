"""A client of the shared server, and what looks on while it is maltreated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client import SessionClient
from tests.end_to_end.throwing import Thrower
from tests.server import ServerProcess


@pytest.fixture
def client(server: ServerProcess) -> Iterator[SessionClient]:
    client = SessionClient(server.url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def witness(server: ServerProcess) -> Iterator[str]:
    """A session that waits all the time; at the end it has the same log, and takes its answer."""
    client = server.client()
    session = client.create("steady.ask")
    before = client.turn(session)
    logged = len(server.log)
    yield session
    assert "Traceback" not in server.log[logged:]
    with client.stream(session, after=0) as messages:
        assert list(messages) == before
    client.answer(session, "input_request-1", "still here")
    assert client.turn(session)[-1].data["data"]["return_value"] == "still here"
    events = client.http.get(f"/api/session/{session}/events").json()["events"]
    assert [event["kind"] for event in events] == ["event", "interaction", "event"]


@pytest.fixture
def throw(server: ServerProcess, witness: str) -> Thrower:
    return Thrower(server)
