"""A stream shows the same story whatever becomes of the hints: lost, doubled, late, cut up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sessions_app import event_log, log_reading
from sessions_app.database import in_database
from sessions_app.exits import ending, failed_exit
from sessions_app.frames import Entry, Retract, frame
from sessions_app.log_reading import Reading
from sessions_app.models import Kind, Session, Status
from sessions_app.notifications import Subscription
from sessions_app.stream import SessionStream
from sessions_app.writes import Hint, NewEntry, Write
from tests.sessions_app.asgi_client import SECONDS
from tests.sessions_app.playing import ANYBODY, APP_ID

NewSession = Callable[..., Session]


def entry(kind: Kind = Kind.EVENT, *, closes_turn: bool = False, step: str = "") -> NewEntry:
    return NewEntry(kind, b'{"x":1}', step, closes_turn)


class Story:
    """A session's log as it was written: each commit's hint, and how the log read after each."""

    def __init__(self, session: Session) -> None:
        self.session_id = session.id
        self.hints: list[Hint] = []
        self.readings = [self._read()]
        running, waiting = {"status": Status.RUNNING}, {"status": Status.WAITING}
        self._write([], running)
        self._write([entry(), entry()])
        self._write([entry(), entry(closes_turn=True)], waiting)
        self._write([entry(Kind.INTERACTION)], {**running, "turn_seq": 5})
        self._write([], {**running, "owner": "another"})
        self._write([entry(step="0.1"), entry(Kind.STEP, step="0.1"), entry()])
        # Of nothing that was shown: what becomes of that is test_retracts.py's.
        self._write([NewEntry(Kind.RETRACT, Retract.payload(range(1)))])
        self._write([], {"status": Status.DIVERGED})
        self._write([], running)
        self._write([entry(closes_turn=True)], waiting)
        self._write([entry(Kind.INTERACTION)], {**running, "turn_seq": 11})
        self._carry_out(ending(session.id, {}, failed_exit(APP_ID, "E", "end")))
        self.entries = self.readings[-1].entries

    def _write(self, added: list[NewEntry], changes: dict[str, Any] | None = None) -> None:
        self._carry_out(Write(self.session_id, {}, added, changes or {}))

    def _carry_out(self, write: Write) -> None:
        with transaction.atomic():
            self.hints.append(event_log.apply(write)[1])
        self.readings.append(self._read())

    def _read(self) -> Reading:
        reading = log_reading.read(self.session_id, 0)
        assert reading is not None
        return reading

    def reading(self, commits: int, after: int) -> Reading:
        """What a stream found that was opened after so many commits, from this seq on."""
        then = self.readings[commits]
        start = min(after, then.standing.last_seq)
        return Reading(then.standing, start, then.entries[start:])

    def expected(self, after: int, *, follow: bool) -> bytes:
        """The frames that a stream from this seq on has to give, status messages aside."""
        return b"".join(frame(entry.seq, entry.kind, entry.payload) for entry in self._shown(after, follow))

    def _shown(self, after: int, follow: bool) -> list[Entry]:
        rest = self.entries[after:]
        if follow:
            return rest
        end = next((number for number, each in enumerate(rest, 1) if each.closes_turn), len(rest))
        return [each for each in rest[:end] if each.kind in (Kind.EVENT, Kind.STEP)]


COMMITS = 12


@pytest.fixture
async def story(database: None, new_session: NewSession) -> Story:
    return await in_database(lambda: Story(new_session()))


@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    commits=st.integers(0, COMMITS - 1),
    behind=st.integers(0, 4),
    follow=st.booleans(),
    arriving=st.lists(st.tuples(st.integers(0, COMMITS - 1), st.booleans()) | st.none(), max_size=25),
    buffer_bytes=st.sampled_from([1, 60, 10_000]),
    read_entries=st.sampled_from([1, 3, 1000]),
)
async def test_story_is_the_same_whatever_becomes_of_the_hints(
    story: Story,
    settings: Any,
    commits: int,
    behind: int,
    follow: bool,
    arriving: list[tuple[int, bool] | None],
    buffer_bytes: int,
    read_entries: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hints arrive lost, doubled, in any order and without frames; at each None the stream gets its turn."""
    settings.YERA_STREAM_BUFFER_BYTES = buffer_bytes
    monkeypatch.setattr(log_reading, "READ_ENTRIES", read_entries)
    after = max(0, story.readings[commits].standing.last_seq - behind)
    subscription = Subscription(story.session_id, ANYBODY)
    stream = SessionStream(subscription, story.reading(commits, after), after, follow=follow)
    reading = asyncio.ensure_future(read_all(stream))
    for arrival in arriving:
        if arrival is None:
            await asyncio.sleep(0)
        else:
            hint = story.hints[arrival[0]]
            subscription.offer(hint if arrival[1] else replace(hint, segments=[]))
    assert without_status(await polled(reading, subscription, story)) == story.expected(after, follow=follow)


async def read_all(stream: SessionStream) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def polled(reading: asyncio.Future[bytes], subscription: Subscription, story: Story) -> bytes:
    """The stream's bytes, while the poll looks after it as it does in a server."""
    last = story.readings[-1].standing
    async with asyncio.timeout(SECONDS / 4):
        while not reading.done():
            if subscription.has_missed(last.last_seq, last.status):
                subscription.fall_behind()
            await asyncio.wait({reading}, timeout=0.002)
    return reading.result()


def without_status(story: bytes) -> bytes:
    """The stream without status messages and comments."""
    messages = [message for message in story.split(b"\n\n") if message]
    kept = [message for message in messages if not message.startswith((b"event: status", b":"))]
    return b"".join(message + b"\n\n" for message in kept)


async def test_status_comes_after_what_it_speaks_of(story: Story) -> None:
    """A change of status alone, when what came before it was lost."""
    subscription = Subscription(story.session_id, ANYBODY)
    stream = SessionStream(subscription, story.reading(1, 0), 0, follow=True)
    assert b"running" in await anext(stream)
    subscription.offer(story.hints[7])  # diverged at seq 9; the hints of 1 to 9 were lost
    chunk = await anext(stream)
    assert chunk.startswith(b"id: 1\n")
