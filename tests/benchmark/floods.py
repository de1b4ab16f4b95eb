"""A session that floods its followers, and what each of them should have got of it.

The followers' streams are open before it begins. What came is held against the rows of the log,
once it is over.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from tests.benchmark.figures import Figure, at_most
from tests.benchmark.followers import MARK, Followers
from tests.benchmark.raw_client import RawConnection, asking_session
from tests.server import ServerProcess


@dataclass(frozen=True, slots=True)
class Flood:
    """A session of an app in apps/flood.py that waits to be told how much it shall show."""

    server: ServerProcess
    session_id: str
    followers: Followers

    def run(self, told: str) -> None:
        """Tell it, and read all streams to their end."""
        calls = RawConnection(self.server.port)
        answer = {"blockId": "input_request-1", "value": told, "blockType": "text"}
        calls.post(f"/api/session/{self.session_id}/interaction", answer)
        calls.close()
        self.followers.read_to_end()


@contextmanager
def flood(server: ServerProcess, app: str, *, followers: int, kept: int) -> Iterator[Flood]:
    """A new session, with streams that are open; the first `kept` keep what comes."""
    session_id = asking_session(server.port, app)
    path = f"/api/session/{session_id}/stream"
    with closing(Followers(server.port, [f"{path}?follow=true"] * followers, kept=kept)) as readers:
        yield Flood(server, session_id, readers)


def differences(flooded: Flood) -> Counter[str]:
    """What was read, held against the log.

    Of the followers that keep what comes byte by byte, of the others by the number of events.
    """
    recorded = recorded_frames(flooded)
    shown = sum(MARK in frame for frame in recorded)
    found: Counter[str] = Counter()
    for follower in flooded.followers.all:
        if follower.is_kept:
            found += compared(recorded, _event_frames(follower.body))
        else:
            found += Counter(
                {"lost": max(0, shown - follower.marks), "twice": max(0, follower.marks - shown)}
            )
    return found


def compared(recorded: Sequence[bytes], read: Sequence[bytes]) -> Counter[str]:
    """Frames that were read against those that should have been."""
    places = {frame: place for place, frame in enumerate(recorded)}
    found = [places[frame] for frame in read if frame in places]
    return Counter(
        {
            "lost": len(places.keys() - read),
            "twice": len(found) - len(set(found)),
            "out of order": sum(later < earlier for earlier, later in pairwise(found)),
            "not in the log": len(read) - len(found),
        }
    )


def difference_figures(row: str, found: Counter[str]) -> list[Figure]:
    """Each must be none."""
    return [
        Figure(row, f"events {name}", "", found[name], goals=[at_most(0)], is_count=True)
        for name in ("lost", "twice", "out of order", "not in the log")
    ]


def recorded_frames(flooded: Flood) -> list[bytes]:
    """The log's events as a stream shows them."""
    return [
        b"id: %d\ndata: %s" % (seq, payload.encode())
        for seq, payload in _rows(flooded, "seq, payload", "AND kind = 'event' ORDER BY seq")
    ]


def entries_per_commit(flooded: Flood) -> float:
    """The writer gives what it commits of a session together the same time."""
    ((entries, commits),) = _rows(flooded, "COUNT(*), COUNT(DISTINCT created_at)")
    return float(entries / commits)


def _event_frames(body: bytes) -> list[bytes]:
    """Of all messages the events, which have no name."""
    return [message for message in body.split(b"\n\n") if message.startswith(b"id: ")]


def _rows(flooded: Flood, columns: str, more: str = "") -> list[Any]:
    statement = f"SELECT {columns} FROM sessions_app_logentry WHERE session_id = ? {more}"  # noqa: S608
    with closing(sqlite3.connect(flooded.server.folder / "db.sqlite3")) as database:
        return database.execute(statement, [UUID(flooded.session_id).hex]).fetchall()
