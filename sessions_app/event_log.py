"""The session log: appending under the fence, and reading.

Invariant 1 is kept here: every change of a session is one conditional update of its row, and
the entries that go with it take their seqs from that update, in one transaction.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from sessions_app.frames import Entry, Segment, segments
from sessions_app.models import Kind, LogEntry, Session

ROWS_PER_STATEMENT = (64, 16, 4, 1)  # few shapes, so that SQLite's statement cache holds them all
READ_ENTRIES = 1000
READ_BYTES = 256 * 1024  # a reading ends with the entry that goes beyond it
HINT_BYTES = 1024 * 1024  # a hint with more goes without its frames, and sends its readers to the log


class FencedError(Exception):
    """The session is not as the write expects it: ended, taken over, or changed since it was read."""

    def __init__(self, session_id: UUID) -> None:
        super().__init__(f"Session {session_id} has changed hands or state; nothing was written.")


class NewEntry(NamedTuple):
    """An entry that has no seq yet."""

    kind: Kind
    payload: bytes
    step: str = ""
    closes_turn: bool = False


class Position(NamedTuple):
    """Where a session's row stands after a write."""

    last_seq: int
    turn_seq: int
    log_bytes: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Hint:
    """What one commit added to one session: entries after `after` up to `last_seq`, ready to send.

    Without segments although entries were added, it only says that the log has more.
    `state` holds `status`, `pending` and `divergence` if the commit changed the status.
    """

    session_id: UUID
    after: int
    last_seq: int
    segments: list[Segment] = field(default_factory=list)
    state: dict[str, Any] | None = None

    @property
    def size(self) -> int:
        """Bytes of its frames."""
        return sum(len(segment.frames) for segment in self.segments)


@dataclass(slots=True)
class Write:
    """One change of one session: the entries to append and the columns to set, if `where` still holds.

    `where` maps columns to a value or a tuple of values.
    """

    session_id: UUID
    where: Mapping[str, Any]
    entries: Sequence[NewEntry] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    raise_epoch: bool = False

    @property
    def size(self) -> int:
        """Bytes of its entries' payloads."""
        return sum(len(entry.payload) for entry in self.entries)

    def joins(self, earlier: Write) -> bool:
        """Whether it can be carried out together with an earlier one, as one update."""
        raises = self.raise_epoch or earlier.raise_epoch
        return self.where == earlier.where and self.where.keys() == {"epoch"} and not raises


def apply(write: Write) -> tuple[Position, Hint]:
    """Carry out a write in the transaction that is open; raises FencedError where its condition fails."""
    with connection.cursor() as cursor:
        now = timezone.now()
        position = _update(cursor, write, now)
        first = position.last_seq - len(write.entries) + 1
        _insert(cursor, write.session_id, first, write.entries, now)
    return position, _hint(write, first)


def join(writes: Sequence[Write]) -> Write:
    """Writes of one session that join each other, as one."""
    if len(writes) == 1:
        return writes[0]
    entries = [entry for write in writes for entry in write.entries]
    changes = {name: value for write in writes for name, value in write.changes.items()}
    return Write(writes[0].session_id, writes[0].where, entries, changes, writes[0].raise_epoch)


def create(session: Session) -> None:
    """Insert a new session's row, at the present time."""
    session.created_at = session.updated_at = timezone.now()
    session.save(force_insert=True)


def _update(cursor: CursorWrapper, write: Write, now: datetime.datetime) -> Position:
    shape = tuple(
        (name, len(value) if isinstance(value, tuple) else 0) for name, value in write.where.items()
    )
    parameters: list[Any] = [
        len(write.entries),
        write.size,
        int(write.raise_epoch),
        _prepared(Session, "updated_at", now),
    ]
    parameters += [_prepared(Session, name, value) for name, value in write.changes.items()]
    parameters.append(_prepared(Session, "id", write.session_id))
    for name, value in write.where.items():
        values = value if isinstance(value, tuple) else (value,)
        parameters += [_prepared(Session, name, item) for item in values]
    cursor.execute(_update_sql(tuple(write.changes), shape), parameters)
    row = cursor.fetchone()
    if row is None:
        raise FencedError(write.session_id)
    return Position(*row)


@lru_cache(maxsize=64)
def _update_sql(changes: tuple[str, ...], shape: tuple[tuple[str, int], ...]) -> str:
    # The ORM's update() cannot return columns, and a second query per write would cost as much again.
    sets = "".join(f", {name} = %s" for name in changes)
    conditions = "".join(
        f" AND {name} IN ({', '.join(['%s'] * count)})" if count else f" AND {name} = %s"
        for name, count in shape
    )
    return (
        f"UPDATE {Session._meta.db_table} SET last_seq = last_seq + %s, log_bytes = log_bytes + %s, "  # noqa: S608 - names are ours
        f"epoch = epoch + %s, updated_at = %s{sets} WHERE id = %s{conditions} "
        f"RETURNING {', '.join(Position._fields)}"
    )


def _insert(
    cursor: CursorWrapper, session_id: UUID, first: int, entries: Sequence[NewEntry], now: datetime.datetime
) -> None:
    # One statement for many rows: sqlite3 gives up the GIL at each step, and every return to
    # Python may wait for a busy app thread.
    session, created_at = _prepared(LogEntry, "session", session_id), _prepared(LogEntry, "created_at", now)
    done = 0
    for size in ROWS_PER_STATEMENT:
        while len(entries) - done >= size:
            parameters: list[Any] = []
            for seq, entry in enumerate(entries[done : done + size], first + done):
                parameters += (
                    session,
                    seq,
                    entry.kind,
                    entry.step,
                    entry.closes_turn,
                    entry.payload.decode(),
                    created_at,
                )
            cursor.execute(_insert_sql(size), parameters)
            done += size


@lru_cache(maxsize=len(ROWS_PER_STATEMENT))
def _insert_sql(rows: int) -> str:
    values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * rows)
    return (
        f"INSERT INTO {LogEntry._meta.db_table} "  # noqa: S608 - names are ours
        f"(session_id, seq, kind, step, closes_turn, payload, created_at) VALUES {values}"
    )


@lru_cache(maxsize=64)
def _field(model: type[Session] | type[LogEntry], name: str) -> Any:
    return model._meta.get_field(name)


def _prepared(model: type[Session] | type[LogEntry], name: str, value: Any) -> Any:
    return _field(model, name).get_db_prep_save(value, connection)


def _hint(write: Write, first: int) -> Hint:
    numbered = (
        Entry(seq, entry.kind, entry.closes_turn, entry.payload)
        for seq, entry in enumerate(write.entries, first)
    )
    state = None
    if "status" in write.changes:
        state = {
            "status": str(write.changes["status"]),
            "pending": write.changes.get("pending", []),
            "divergence": write.changes.get("divergence"),
        }
    stretch = segments(numbered) if write.size <= HINT_BYTES else []
    return Hint(write.session_id, first - 1, first - 1 + len(write.entries), stretch, state)


class Standing(NamedTuple):
    """A session's row, as far as answers and streams need it."""

    status: str
    pending: list[dict[str, Any]]
    divergence: Any
    last_seq: int
    turn_seq: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A session's row and a stretch of its log: entries from after `after`, in order, without a gap.

    `is_whole`: the entries reach up to the row's `last_seq`.
    """

    standing: Standing
    after: int
    entries: list[Entry]

    @property
    def is_whole(self) -> bool:
        return (self.entries[-1].seq if self.entries else self.after) >= self.standing.last_seq


# The two reads of every turn are plain queries: building them with the ORM takes ten times as long.


def standing(session_id: UUID) -> Standing | None:
    """How the session stands now; None if there is no such session."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(Standing._fields)} FROM {Session._meta.db_table} WHERE id = %s",  # noqa: S608 - names are ours
            [_prepared(Session, "id", session_id)],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    status, pending, divergence, last_seq, turn_seq = row
    return Standing(status, _json("pending", pending), _json("divergence", divergence), last_seq, turn_seq)


def read(session_id: UUID, after: int | None) -> Reading | None:
    """Read on from `after`, or from the current turn's start if None; None if there is no such session.

    At most READ_ENTRIES entries and about READ_BYTES. A position beyond the end reads as the end.
    """
    row = standing(session_id)
    if row is None:
        return None
    start = row.turn_seq if after is None else min(after, row.last_seq)
    # The row first: entries committed since then are left to the next reading, with their own status.
    entries = _entries(session_id, start, row.last_seq) if start < row.last_seq else []
    return Reading(row, start, entries)


def _entries(session_id: UUID, after: int, up_to: int) -> list[Entry]:
    entries = []
    size = 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT seq, kind, closes_turn, payload FROM {LogEntry._meta.db_table} "  # noqa: S608 - names are ours
            "WHERE session_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s",
            [_prepared(LogEntry, "session", session_id), after, up_to, READ_ENTRIES],
        )
        for seq, kind, closes_turn, payload in cursor:
            entries.append(Entry(seq, kind, bool(closes_turn), payload.encode()))
            size += len(entries[-1].payload)
            if size >= READ_BYTES:
                break
    return entries


def read_interactions(session_id: UUID, after: int) -> list[Entry]:
    """The interactions recorded after `after`, in order."""
    rows = LogEntry.objects.filter(session=session_id, seq__gt=after, kind=Kind.INTERACTION).order_by("seq")
    values = rows.values_list("seq", "kind", "closes_turn", "payload")
    return [Entry(seq, kind, closes_turn, payload.encode()) for seq, kind, closes_turn, payload in values]


def _json(column: str, value: Any) -> Any:
    return _field(Session, column).from_db_value(value, None, connection)
