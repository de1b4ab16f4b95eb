"""Streams that fall behind together read the log once, and none is told that there is no more too early."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from sessions_app import event_log, log_reading, shared_readings
from sessions_app.database import in_database
from sessions_app.models import Kind, Session
from sessions_app.shared_readings import KEPT_READINGS, SharedReadings
from sessions_app.writes import NewEntry, Write

pytestmark = pytest.mark.usefixtures("database")

PIECE = 4  # entries of a reading at most


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "READ_ENTRIES", PIECE)


@pytest.fixture
async def told(database: None, new_session: Callable[..., Session]) -> UUID:
    """A session with a log of two pieces and a half."""
    session_id = (await in_database(new_session)).id
    await append(session_id, 2 * PIECE + PIECE // 2)
    return session_id


async def append(session_id: UUID, entries: int) -> None:
    def write() -> None:
        with transaction.atomic():
            event_log.apply(Write(session_id, {}, [NewEntry(Kind.EVENT, b"{}")] * entries))

    await in_database(write)


async def seqs(readings: SharedReadings, session_id: UUID, after: int) -> list[int]:
    reading = await readings.read(session_id, after)
    assert reading is not None
    return [entry.seq for entry in reading.entries]


def reads(queries: list[str]) -> int:
    return sum("FROM sessions_app_logentry" in sql and "LIMIT" in sql for sql in queries)


async def test_those_at_one_place_read_once(told: UUID, queries: list[str]) -> None:
    readings = SharedReadings()
    together = await asyncio.gather(*[seqs(readings, told, 0) for _ in range(50)])
    assert together == [[1, 2, 3, 4]] * 50
    assert await seqs(readings, told, 0) == [1, 2, 3, 4], "who comes a moment later shares it too"
    assert reads(queries) == 1


async def test_those_at_different_places_come_together(told: UUID) -> None:
    readings = SharedReadings()
    assert [(await seqs(readings, told, after))[-1] for after in (0, 1, 3)] == [PIECE] * 3


async def test_end_of_a_log_is_read_by_each(told: UUID) -> None:
    """What was committed since another began to read would be missed."""
    readings = SharedReadings()
    assert await seqs(readings, told, 2 * PIECE) == [9, 10]
    await append(told, 1)
    assert await seqs(readings, told, 2 * PIECE) == [9, 10, 11]


async def test_session_that_is_gone_has_no_reading() -> None:
    readings, nobodys = SharedReadings(), uuid4()
    assert await readings.read(nobodys, 0) is None
    assert await readings.read(nobodys, 0) is None


async def test_who_gives_up_does_not_cut_the_others_off(told: UUID) -> None:
    readings = SharedReadings()
    first, second = [asyncio.create_task(seqs(readings, told, 0)) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()
    assert await second == [1, 2, 3, 4]


async def test_old_readings_are_forgotten(
    told: UUID, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_readings, "KEPT_SECONDS", 0)
    readings = SharedReadings()
    await seqs(readings, told, 0)
    await seqs(readings, told, 0)
    assert reads(queries) == 2


async def test_only_the_latest_readings_are_kept(told: UUID) -> None:
    readings = SharedReadings()
    await append(told, KEPT_READINGS)
    await asyncio.gather(*[seqs(readings, told, after) for after in range(KEPT_READINGS + 5)])
    assert len(readings._readings) == KEPT_READINGS
