"""A session's events, answers and retracts as JSON."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

import apps_app.dsl as yr
from sessions_app import event_log, log_reading
from sessions_app.database import in_database
from sessions_app.models import Kind
from sessions_app.writes import NewEntry, Write
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID

# The log: 1 markdown, 2 prompt, 3 interaction, 4 markdown, 5 exit.


@pytest.fixture
async def ended(app: SetApp, client: AsgiClient) -> str:
    @app
    def main() -> None:
        yr.markdown("\xe9 \U0001f600")
        yr.markdown(yr.text_input())

    session = await client.create(APP_ID)
    await client.messages(session)
    await client.answer(session, "input_request-1", "yes")
    await client.messages(session)
    return session


async def read(client: AsgiClient, session: str, query: str = "") -> dict[str, Any]:
    response = await client.get(f"/api/session/{session}/events{query}")
    content = await response.read()
    assert response.status == 200, content
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(content))
    return dict(json.loads(content))


def seqs(body: dict[str, Any]) -> list[int]:
    return [event["seq"] for event in body["events"]]


async def append(session: str, *entries: NewEntry) -> None:
    def write() -> None:
        with transaction.atomic():
            event_log.apply(Write(UUID(session), {}, list(entries)))

    await in_database(write)


async def test_events_are_what_the_stream_shows(ended: str, client: AsgiClient) -> None:
    body = await read(client, ended)
    messages = await client.messages(ended, "?after=0&follow=true")
    shown = [message for message in messages if message.seq]
    assert body["last_seq"] == 5
    assert seqs(body) == [message.seq for message in shown] == [1, 2, 3, 4, 5]
    assert [event.pop("kind") for event in body["events"]] == [
        "event",
        "event",
        "interaction",
        "event",
        "event",
    ]
    assert [{key: value for key, value in event.items() if key != "seq"} for event in body["events"]] == [
        message.data for message in shown
    ]


async def test_answers_are_among_them(ended: str, client: AsgiClient) -> None:
    (answer,) = (await read(client, ended, "?after=2&limit=1"))["events"]
    assert answer == {
        "seq": 3,
        "kind": "interaction",
        "blockId": "input_request-1",
        "value": "yes",
        "blockType": "text",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?after=0&limit=2", [1, 2]),
        ("?after=2&limit=2", [3, 4]),
        ("?after=4", [5]),
        ("?after=5", []),
        (f"?after={2**63 - 1}", []),
        ("?limit=1", [1]),
        ("?limit=1000", [1, 2, 3, 4, 5]),
    ],
)
async def test_stretches(ended: str, client: AsgiClient, query: str, found: list[int]) -> None:
    body = await read(client, ended, query)
    assert (seqs(body), body["last_seq"]) == (found, 5)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?after=-1", "after"),
        ("?after=soon", "after"),
        (f"?after={2**63}", "after"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
    ],
)
async def test_query_that_is_refused(ended: str, client: AsgiClient, query: str, field: str) -> None:
    response = await client.get(f"/api/session/{ended}/events{query}")
    assert (response.status, list((await response.json())["errors"])) == (400, [field])


async def test_steps_are_left_out_and_retracts_are_not(ended: str, client: AsgiClient) -> None:
    await append(
        ended,
        NewEntry(Kind.STEP, b'{"result":"secret"}', "0.1"),
        NewEntry(Kind.RETRACT, b'{"from_seq":4,"to_seq":4}'),
        NewEntry(Kind.STEP, b'{"result":"secret"}', "0.2"),
    )
    body = await read(client, ended, "?after=5&limit=1")
    assert body == {
        "events": [{"seq": 7, "kind": "retract", "from_seq": 4, "to_seq": 4}],
        "last_seq": 8,
    }
    assert (await read(client, ended, "?after=7"))["events"] == []


async def test_answer_is_bounded_in_bytes_but_never_empty(
    ended: str, client: AsgiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [len(entry.payload) for entry in await in_database(log_reading.read_shown, UUID(ended), 0, 9, 9)]
    monkeypatch.setattr(log_reading, "READ_BYTES", sizes[0] + 1)
    assert seqs(await read(client, ended)) == [1, 2], "it ends with the entry that goes beyond"
    monkeypatch.setattr(log_reading, "READ_BYTES", 1)
    position, found = 0, []
    while events := seqs(await read(client, ended, f"?after={position}")):
        found += events
        position = events[-1]
    assert found == [1, 2, 3, 4, 5], "reading on until nothing comes gives all"


async def test_nothing_is_shown_from_beyond_the_last_seq_that_is_told(
    ended: str, client: AsgiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries that are committed between the two readings are left to the next call."""
    read_shown = log_reading.read_shown

    def read_late(session_id: UUID, *bounds: int) -> Any:
        with transaction.atomic():
            event_log.apply(Write(session_id, {}, [NewEntry(Kind.EVENT, b'{"late":1}')]))
        return read_shown(session_id, *bounds)

    monkeypatch.setattr(log_reading, "read_shown", read_late)
    body = await read(client, ended, "?after=3")
    assert (seqs(body), body["last_seq"]) == ([4, 5], 5)
    body = await read(client, ended, "?after=5")
    assert (seqs(body), body["last_seq"]) == ([6], 6)


async def test_session_without_events(app: SetApp, client: AsgiClient, new_session: Any) -> None:
    session = await in_database(new_session)
    assert await read(client, str(session.id)) == {"events": [], "last_seq": 0}
