"""Old sessions go, with their logs, and nothing else does; whatever else is written meanwhile."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from sessions_app import event_log
from sessions_app.database import in_database
from sessions_app.log_writer import LogWriter
from sessions_app.models import ENDED, LIVE, Kind, LogEntry, PrintedText, Session, Status
from sessions_app.pruning import prune, time_before
from sessions_app.writes import NewEntry, Removal, Write
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.playing import entries
from tests.sessions_app.runners import SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]

THEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
EARLIER, LATER = THEN - datetime.timedelta(seconds=1), THEN + datetime.timedelta(seconds=1)


@pytest.fixture
def new_ended(new_session: NewSession) -> NewSession:
    """Inserts a session that ended earlier, with a log."""

    def insert(entry_count: int = 3, **columns: Any) -> Session:
        over = {"status": Status.FINISHED, "exit": {"exit_code": 0}, "finished_at": EARLIER}
        session = new_session(**{**over, "last_seq": entry_count, **columns})
        now = timezone.now()
        LogEntry.objects.bulk_create(
            LogEntry(session=session, seq=seq, kind=Kind.EVENT, payload="{}", created_at=now)
            for seq in range(1, entry_count + 1)
        )
        return session

    return insert


def left() -> set[Session]:
    return set(Session.objects.all())


# Ages.


@pytest.mark.parametrize(
    ("age", "hours"), [("7200s", 2), ("90m", 1.5), ("12h", 12), ("30d", 720), ("8w", 1344), ("0d", 0)]
)
def test_age_is_a_number_and_its_unit(age: str, hours: float) -> None:
    ago = datetime.timedelta(hours=hours)
    assert timezone.now() - ago - datetime.timedelta(minutes=1) < time_before(age) <= timezone.now() - ago


@pytest.mark.parametrize(
    "age", ["", "30", "d", "30 d", "-1d", "1.5h", "30D", "1y", "1d12h", "٣d", "30d\n", "soon"]
)
def test_what_is_no_age_is_refused(age: str) -> None:
    with pytest.raises(ValueError, match=r"is no age: give a whole number and its unit, such as 90s, 12h"):
        time_before(age)


@pytest.mark.parametrize("age", ["9999999w", "9" * 40 + "s", "9" * 5000 + "s"])
def test_age_beyond_all_dates_is_refused(age: str) -> None:
    with pytest.raises(ValueError, match="longer ago than there are dates"):
        time_before(age)


# What goes.


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_old_sessions_go_with_all_they_have(new_ended: NewSession, batch: int) -> None:
    old = [new_ended(status=status) for status in ENDED]
    PrintedText.objects.create(session=old[0], text="printed", updated_at=EARLIER)
    fork = new_ended(forked_from=old[1], finished_at=LATER)
    assert prune(THEN, batch) == len(ENDED)
    assert left() == {fork}
    assert set(LogEntry.objects.values_list("session", flat=True)) == {fork.id}
    assert not PrintedText.objects.exists()
    fork.refresh_from_db()
    assert fork.forked_from is None


def test_nothing_else_goes(new_ended: NewSession, new_session: NewSession) -> None:
    kept = {new_ended(finished_at=time) for time in (THEN, LATER)}
    kept |= {new_session(status=status, life_ends_at=EARLIER) for status in LIVE}
    Session.objects.update(created_at=EARLIER, updated_at=EARLIER)
    assert prune(THEN, 100) == 0
    assert left() == kept


def test_long_log_goes_in_pieces_each_with_its_own_commit(
    new_ended: NewSession, monkeypatch: pytest.MonkeyPatch, queries: list[str]
) -> None:
    monkeypatch.setattr(event_log, "REMOVED_ENTRIES", 10)
    new_ended(entry_count=35)
    queries.clear()
    assert prune(THEN, 100) == 1
    pieces = [sql for sql in queries if sql.startswith("DELETE") and "logentry" in sql and "seq" in sql]
    assert len(pieces) == 3
    assert left() == set()
    assert not LogEntry.objects.exists()


def test_interrupted_prune_is_finished_by_the_next(
    new_ended: NewSession, writer: LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "REMOVED_ENTRIES", 10)
    session = new_ended(entry_count=35)
    writer.submit(Removal(session.id)).result(SECONDS)
    assert (left(), LogEntry.objects.count()) == ({session}, 25)
    assert prune(THEN, 100) == 1
    assert left() == set()


# Beside others.


def prune_and_close() -> int:
    """For a thread of its own."""
    try:
        return prune(THEN, 7)
    finally:
        connection.close()


def test_each_session_is_removed_and_counted_once(new_ended: NewSession) -> None:
    """However many do it at the same time."""
    for _ in range(20):
        new_ended()
    with ThreadPoolExecutor(3) as pool:
        prunings = [pool.submit(prune_and_close) for _ in range(3)]
        assert sum(each.result(SECONDS) for each in prunings) == 20
    assert left() == set()


def test_server_writes_meanwhile(new_ended: NewSession, new_session: NewSession, writer: LogWriter) -> None:
    """Two writers of one database: neither is refused, and both get on."""
    for _ in range(30):
        new_ended()
    live = new_session()
    written = 0
    with ThreadPoolExecutor(1) as pool:
        pruning_it = pool.submit(prune_and_close)
        while not pruning_it.done() or written < 10:
            write = Write(live.id, {"epoch": 0}, [NewEntry(Kind.EVENT, b"{}")])
            written = writer.submit(write).result(SECONDS).last_seq
        assert pruning_it.result(SECONDS) == 30
    assert left() == {live}
    assert [entry.seq for entry in entries(live.id)] == list(range(1, written + 1))[:1000]


async def test_open_stream_of_a_pruned_session_ends(
    client: AsgiClient, new_ended: NewSession, settings: Any
) -> None:
    """It was still being read, by a slow client."""
    settings.YERA_ACCESS_CHECK_SECONDS = 0.05
    payload = f'{{"block_type":"markdown","text":"{"x" * 100_000}"}}'
    session = await in_database(new_ended, 50)
    await in_database(LogEntry.objects.update, payload=payload)
    async with client.stream(str(session.id), "?after=0&follow=true") as response:
        response.call.takes.clear()
        assert await asyncio.to_thread(prune_and_close) == 1
        response.call.takes.set()
        shown = [message.seq async for message in response.messages() if message.event == "message"]
    assert shown == list(range(1, len(shown) + 1))
    assert len(shown) < 50
    again = await client.get(f"/api/session/{session.id}/stream")
    assert await again.refusal() == (404, "session_not_found")
