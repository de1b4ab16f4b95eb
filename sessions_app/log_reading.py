"""Reading the session log: a stretch for a stream, the whole for a replay, backwards for a fork.

Appending is event_log.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Q

from sessions_app.columns import json_of, prepared_id
from sessions_app.frames import Entry, Retract, Segment, segments, without
from sessions_app.models import SHOWN, Kind, LogEntry, Session

READ_ENTRIES = 1000
READ_BACK_ENTRIES = 100
FETCHED_ROWS = 50
READ_BYTES = 256 * 1024  # a reading ends with the entry that goes beyond it


class Standing(NamedTuple):
    """A session's row, as far as answers and streams need it."""

    status: str
    pending: list[dict[str, Any]]
    divergence: Any
    last_seq: int
    turn_seq: int
    user_id: int | None


@dataclass(frozen=True)
class Reading:
    """A session's row and a stretch of its log: entries from after `after`, in order, without a gap.

    `is_whole`: the entries reach up to the row's `last_seq`. `retracts` are those after `after` in
    the whole log; there is nothing in the place of what they take back.
    """

    standing: Standing
    after: int
    entries: list[Entry]
    retracts: list[Retract] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return (self.entries[-1].seq if self.entries else self.after) >= self.standing.last_seq

    @cached_property
    def segments(self) -> list[Segment]:
        """Its entries as a stream sends them."""
        return segments(self.entries[0].seq, self.entries) if self.entries else []


# The reads of every turn are plain queries: building them with the ORM takes ten times as long.


def standing(session_id: UUID) -> Standing | None:
    """How the session stands now; None if there is no such session."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(Standing._fields)} FROM {Session._meta.db_table} WHERE id = %s",  # noqa: S608 - names are ours
            [prepared_id(session_id)],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    status, pending, divergence, *rest = row
    return Standing(status, json_of("pending", pending), json_of("divergence", divergence), *rest)


def posted(session_id: UUID, idempotency_key: str) -> bytes | None:
    """The interaction that was posted with this key, as it is recorded; None if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT payload FROM {LogEntry._meta.db_table} "  # noqa: S608 - names are ours
            # The last is the condition of the keys' index, which is not used without it.
            "WHERE session_id = %s AND idempotency_key = %s AND NOT (idempotency_key = '')",
            [prepared_id(session_id), idempotency_key],
        )
        row = cursor.fetchone()
    return None if row is None else row[0].encode()


def read(
    session_id: UUID, after: int | None, may_see: Callable[[int | None], bool] | None = None
) -> Reading | None:
    """Read on from `after`, or from the current turn's start if None; None if there is no such session.

    At most about READ_BYTES, and no further than the next multiple of READ_ENTRIES: readings that
    begin at different places come to go on from the same. A position beyond the end reads as the end.
    A session whose user `may_see` refuses is not there, and costs no more than one that is not.
    """
    row = standing(session_id)
    if row is None or (may_see is not None and not may_see(row.user_id)):
        return None
    start = row.turn_seq if after is None else min(after, row.last_seq)
    # The row first: entries committed since then are left to the next reading, with their own status.
    entries = _entries(session_id, start, row.last_seq) if start < row.last_seq else []
    is_whole = not entries or entries[-1].seq >= row.last_seq
    retracts = _retracts_among(entries) if is_whole else _retracts(session_id, start)
    return Reading(row, start, without(retracts, entries), retracts)


def _entries(session_id: UUID, after: int, up_to: int) -> list[Entry]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT seq, kind, closes_turn, payload FROM {LogEntry._meta.db_table} "  # noqa: S608 - names are ours
            "WHERE session_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s",
            [prepared_id(session_id), after, up_to, READ_ENTRIES - after % READ_ENTRIES],
        )
        return _up_to_size(_rows(cursor))


def _retracts_among(entries: Iterable[Entry]) -> list[Retract]:
    return [Retract.read(entry.seq, entry.payload) for entry in entries if entry.kind == Kind.RETRACT]


def _rows(cursor: CursorWrapper) -> Iterator[tuple[int, str, Any, str]]:
    """Its rows, a few at a time: Django's own iteration takes ten times as long over each."""
    while rows := cursor.fetchmany(FETCHED_ROWS):
        yield from rows


def _retracts(session_id: UUID, after: int) -> list[Retract]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT seq, payload FROM {LogEntry._meta.db_table} "  # noqa: S608 - names are ours
            # Spelled out, as the condition of the index.
            f"WHERE session_id = %s AND seq > %s AND kind = '{Kind.RETRACT}' ORDER BY seq",
            [prepared_id(session_id), after],
        )
        return [Retract.read(seq, payload) for seq, payload in cursor]


def _up_to_size(rows: Iterable[tuple[int, str, Any, str]]) -> list[Entry]:
    """Entries from rows of the log, no more than about READ_BYTES of them."""
    entries = []
    size = 0
    for seq, kind, closes_turn, payload in rows:
        entries.append(Entry(seq, kind, bool(closes_turn), payload.encode()))
        size += len(entries[-1].payload)
        if size >= READ_BYTES:
            break
    return entries


def read_shown(session_id: UUID, after: int, up_to: int, limit: int) -> list[Entry]:
    """Up to `limit` entries from after `after` to seq `up_to` that a client may see, in order.

    Fewer where they come to about READ_BYTES; none only where there are no more.
    """
    rows = LogEntry.objects.filter(session=session_id, seq__gt=after, seq__lte=up_to, kind__in=SHOWN)
    values = rows.order_by("seq").values_list("seq", "kind", "closes_turn", "payload")
    return _up_to_size(values[:limit].iterator())


def last_fork_point(session_id: UUID, up_to: int) -> int:
    """The latest seq up to `up_to` of an interaction or of an entry that closes a turn; 0 without one."""
    rows = LogEntry.objects.filter(session=session_id, seq__lte=up_to)
    points = rows.filter(Q(kind=Kind.INTERACTION) | Q(closes_turn=True))
    return points.order_by("-seq").values_list("seq", flat=True).first() or 0


def read_back(session_id: UUID, up_to: int) -> Iterator[Entry]:
    """Events and interactions from seq `up_to` back to the beginning; reads on as they are taken."""
    rows = LogEntry.objects.filter(session=session_id, kind__in=(Kind.EVENT, Kind.INTERACTION))
    values = rows.order_by("-seq").values_list("seq", "kind", "closes_turn", "payload")
    while entries := _up_to_size(values.filter(seq__lte=up_to)[:READ_BACK_ENTRIES].iterator()):
        yield from entries
        up_to = entries[-1].seq - 1


def read_interactions(session_id: UUID, after: int) -> list[Entry]:
    """The interactions recorded after `after`, in order."""
    rows = LogEntry.objects.filter(session=session_id, seq__gt=after, kind=Kind.INTERACTION).order_by("seq")
    values = rows.values_list("seq", "kind", "closes_turn", "payload")
    return [Entry(seq, kind, closes_turn, payload.encode()) for seq, kind, closes_turn, payload in values]


class RecordedEntry(NamedTuple):
    """An entry as a replay reads it: without the payload of what was shown inside a step."""

    seq: int
    kind: str
    step: str
    payload: bytes


def read_recorded(session_id: UUID, up_to: int) -> Iterator[RecordedEntry]:
    """The entries of a log up to seq `up_to`, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, kind, step, CASE WHEN step = '' OR kind <> %s THEN payload ELSE '' END "  # noqa: S608 - names are ours
            f"FROM {LogEntry._meta.db_table} WHERE session_id = %s AND seq <= %s ORDER BY seq",
            [Kind.EVENT, prepared_id(session_id), up_to],
        )
        for seq, kind, step, payload in cursor:
            yield RecordedEntry(seq, kind, step, payload.encode())
