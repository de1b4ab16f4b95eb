"""Nothing grows without end: readings, hints, exits and logs, each with what is beyond its bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

import apps_app.dsl as yr
from apps_app.blocks import Exit
from apps_app.events import Event
from sessions_app import event_log, log_reading
from sessions_app.database import in_database
from sessions_app.event_log import HINT_BYTES
from sessions_app.exits import MAX_TEXT, ending, failed_exit
from sessions_app.frames import frame
from sessions_app.log_reading import READ_BYTES, Reading
from sessions_app.models import Kind, Session, Status
from sessions_app.notifications import announce, to_message
from sessions_app.stream import SessionStream, open_stream
from sessions_app.writes import Hint, NewEntry, Write
from tests.sessions_app.asgi_client import SECONDS, AsgiClient
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import ANYBODY, APP_ID, entries, exit_of, shown

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]


def event(size: int) -> NewEntry:
    return NewEntry(Kind.EVENT, b'"%s"' % (b"x" * (size - 2)))


def carried_out(write: Write) -> Hint:
    with transaction.atomic():
        return event_log.apply(write)[1]


# Readings.


def read_on(session: Session) -> list[Reading]:
    """The whole log, piece by piece."""
    pieces, position, is_whole = [], 0, False
    while not is_whole:
        piece = log_reading.read(session.id, position)
        assert piece is not None
        assert piece.entries
        pieces.append(piece)
        position, is_whole = piece.entries[-1].seq, piece.is_whole
    return pieces


@pytest.mark.parametrize(
    ("sizes", "pieces"),
    [
        ([READ_BYTES // 4] * 9, [4, 4, 1]),
        ([READ_BYTES // 4 + 1] * 8, [4, 4]),
        ([100, 4 * READ_BYTES, 4 * READ_BYTES, 100], [2, 1, 1]),
        ([100] * 1500, [1000, 500]),
    ],
    ids=["full pieces", "whole with a full piece", "large entries", "many entries"],
)
def test_log_is_read_in_pieces_that_are_bounded(
    new_session: NewSession, sizes: list[int], pieces: list[int]
) -> None:
    session = new_session()
    carried_out(Write(session.id, {}, [event(size) for size in sizes]))
    read = read_on(session)
    assert [len(piece.entries) for piece in read] == pieces
    every = [entry for piece in read for entry in piece.entries]
    assert [(entry.seq, len(entry.payload)) for entry in every] == list(enumerate(sizes, 1))


# Hints.


@pytest.mark.parametrize(("extra", "has_frames"), [(0, True), (1, False)])
def test_hint_carries_so_many_bytes_and_no_more(
    new_session: NewSession, extra: int, has_frames: bool
) -> None:
    added = [event(HINT_BYTES // 2), event(HINT_BYTES // 2 + extra)]
    hint = carried_out(Write(new_session().id, {}, added, {"status": Status.RUNNING}))
    assert (hint.after, hint.last_seq, bool(hint.segments)) == (0, 2, has_frames)
    assert hint.state is not None


@pytest.mark.parametrize("follow", [True, False])
async def test_stream_loses_nothing_of_a_commit_too_large_for_a_hint(
    database: None, new_session: NewSession, settings: Any, follow: bool
) -> None:
    """Only the hint sends it to the log: the poll and the heartbeat are off."""
    settings.YERA_POLL_SECONDS = 0
    settings.YERA_HEARTBEAT_SECONDS = SECONDS
    session = await in_database(new_session)
    stream = await open_stream(ANYBODY, session.id, 0, follow=follow)
    assert stream is not None
    reading = asyncio.create_task(read_all(stream))
    for sizes in ([10, 20], [READ_BYTES] * 6, [30]):
        hint = await in_database(carried_out, Write(session.id, {}, [event(size) for size in sizes]))
        assert bool(hint.segments) == (sum(sizes) <= HINT_BYTES)
        await announce(to_message(hint))
    end = ending(session.id, {}, failed_exit(APP_ID, "Error", "the end"))
    await announce(to_message(await in_database(carried_out, end)))
    chunks = await asyncio.wait_for(reading, SECONDS / 2)
    log = [entry for piece in await in_database(read_on, session) for entry in piece.entries]
    assert len(log) == 10
    messages = [message for message in chunks.split(b"\n\n") if message.startswith(b"id: ")]
    assert messages == [frame(entry.seq, entry.kind, entry.payload).rstrip() for entry in log]


async def read_all(stream: SessionStream) -> bytes:
    return b"".join([chunk async for chunk in stream])


# Exits.


def exit_event(**data: Any) -> Event:
    values: dict[str, Any] = {"exit_code": 1, "reason": "r", "return_type": "str", "return_value": "v"}
    return Event("exit-1", 1, Exit(**values | data), APP_ID)


@pytest.mark.parametrize("name", ["reason", "return_value"])
@pytest.mark.parametrize(("length", "kept"), [(MAX_TEXT, MAX_TEXT), (MAX_TEXT + 1, MAX_TEXT), (1, 1), (0, 0)])
def test_text_of_an_exit_is_shortened(new_session: NewSession, name: str, length: int, kept: int) -> None:
    session = new_session()
    carried_out(ending(session.id, {}, exit_event(**{name: "é" * length})))
    session.refresh_from_db()
    assert exit_of(session)[name] == "é" * kept + "…" * (kept < length)
    assert shown(session.id)[-1]["data"] == session.exit


def test_exit_may_have_no_texts(new_session: NewSession) -> None:
    session = new_session()
    carried_out(ending(session.id, {}, exit_event(reason=None, return_value=None)))
    session.refresh_from_db()
    assert (exit_of(session)["reason"], exit_of(session)["return_value"]) == (None, None)


def test_traceback_is_shortened(new_session: NewSession) -> None:
    session = new_session()
    carried_out(ending(session.id, {}, exit_event(), failure="f" * 2 * MAX_TEXT))
    session.refresh_from_db()
    assert session.failure == "f" * MAX_TEXT


# Sessions.


async def test_answers_count_towards_the_sessions_bytes(
    app: SetApp, client: AsgiClient, settings: Any
) -> None:
    """The app itself writes little: a prompt for each of its user's long answers."""
    settings.YERA_MAX_SESSION_BYTES = 20_000

    @app
    def main() -> None:
        while True:
            yr.text_input()

    session_id = await client.create(APP_ID)
    answered = 0
    while (await client.messages(session_id))[-1].data["block_type"] != "exit":
        answered += 1
        await client.answer(session_id, f"input_request-{answered}", "x" * 4000)
    session = await in_database(Session.objects.get, id=session_id)
    assert (answered, exit_of(session)["error_cause"]["error_type"]) == (5, "LimitExceeded")
    prompts = [entry for entry in await in_database(entries, session_id) if entry.kind == Kind.EVENT]
    assert sum(len(entry.payload) for entry in prompts) < 5000
