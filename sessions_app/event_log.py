"""The session log: appending under the fence, and reading.

Invariant 1 is kept here: every change of a session is one conditional update of its row, and
the entries that go with it take their seqs from that update, in one transaction.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Q
from django.utils import timezone

from sessions_app.frames import Entry, Retract, segments, without
from sessions_app.models import SHOWN, Kind, LogEntry, Session
from sessions_app.writes import FencedError, Hint, NewEntry, Position, Removal, Write

ROWS_PER_STATEMENT = (64, 16, 4, 1)  # few shapes, so that SQLite's statement cache holds them all
REMOVED_ENTRIES = 10_000
READ_ENTRIES = 1000
READ_BACK_ENTRIES = 100
READ_BYTES = 256 * 1024  # a reading ends with the entry that goes beyond it
HINT_BYTES = 1024 * 1024  # a hint with more goes without its frames, and sends its readers to the log


def apply(write: Write) -> tuple[Position, Hint]:
    """Carry out a write in the transaction that is open; raises FencedError where its condition fails."""
    with connection.cursor() as cursor:
        now = timezone.now()
        position = _update(cursor, write, now)
        first = position.last_seq - len(write.entries) + 1
        _insert(cursor, write.session_id, first, write.entries, now)
    return position, _hint(write, first)


def create(session: Session) -> None:
    """Insert a new session's row, at the present time; raises FencedError where its key has made one."""
    session.created_at = session.updated_at = timezone.now()
    if session.idempotency_key is None:
        session.save(force_insert=True)
        return
    try:
        with transaction.atomic():  # others' writes are in the transaction too: they must go on
            session.save(force_insert=True)
    except IntegrityError as error:
        if not Session.objects.filter(idempotency_key=session.idempotency_key).exists():
            raise
        raise FencedError(session.id) from error


def remove(removal: Removal) -> None:
    """Delete a piece of a session's log, its beginning, and with the last piece the row.

    In pieces, since all writers wait meanwhile. Raises FencedError when there is nothing left.
    """
    row = Session.objects.filter(id=removal.session_id)
    list(row.select_for_update().values_list("id"))  # first, since whatever refers to it goes before it
    entries = LogEntry.objects.filter(session=removal.session_id)
    first = entries.order_by("seq").values_list("seq", flat=True).first()
    if first is not None and entries.filter(seq__gte=first + REMOVED_ENTRIES).exists():
        entries.filter(seq__lt=first + REMOVED_ENTRIES).delete()
    elif not row.delete()[0]:
        raise FencedError(removal.session_id)


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
    has_key = any(map(_key_of, entries))
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
                if has_key:
                    parameters.append(entry.idempotency_key)
            cursor.execute(_insert_sql(size, has_key), parameters)
            done += size


_key_of = attrgetter("idempotency_key")


@lru_cache(maxsize=2 * len(ROWS_PER_STATEMENT))
def _insert_sql(rows: int, has_key: bool) -> str:
    columns = ["session_id", "seq", "kind", "step", "closes_turn", "payload", "created_at"]
    if has_key:
        columns.append("idempotency_key")
    row = f"({', '.join(['%s'] * len(columns))})"
    return (
        f"INSERT INTO {LogEntry._meta.db_table} "  # noqa: S608 - names are ours
        f"({', '.join(columns)}) VALUES {', '.join([row] * rows)}"
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
    user_id: int | None


@dataclass(frozen=True, slots=True)
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


# The reads of every turn are plain queries: building them with the ORM takes ten times as long.


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
    status, pending, divergence, *rest = row
    return Standing(status, _json("pending", pending), _json("divergence", divergence), *rest)


def posted(session_id: UUID, idempotency_key: str) -> bytes | None:
    """The interaction that was posted with this key, as it is recorded; None if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT payload FROM {LogEntry._meta.db_table} "  # noqa: S608 - names are ours
            # The last is the condition of the keys' index, which is not used without it.
            "WHERE session_id = %s AND idempotency_key = %s AND NOT (idempotency_key = '')",
            [_prepared(LogEntry, "session", session_id), idempotency_key],
        )
        row = cursor.fetchone()
    return None if row is None else row[0].encode()


def read(
    session_id: UUID, after: int | None, may_see: Callable[[int | None], bool] | None = None
) -> Reading | None:
    """Read on from `after`, or from the current turn's start if None; None if there is no such session.

    At most READ_ENTRIES entries and about READ_BYTES. A position beyond the end reads as the end.
    A session whose user `may_see` refuses is not there, and costs no more than one that is not.
    """
    row = standing(session_id)
    if row is None or (may_see is not None and not may_see(row.user_id)):
        return None
    start = row.turn_seq if after is None else min(after, row.last_seq)
    # The row first: entries committed since then are left to the next reading, with their own status.
    entries = _entries(session_id, start, row.last_seq) if start < row.last_seq else []
    retracts = _retracts(session_id, start) if entries else []
    return Reading(row, start, without(retracts, entries), retracts)


def _entries(session_id: UUID, after: int, up_to: int) -> list[Entry]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT seq, kind, closes_turn, payload FROM {LogEntry._meta.db_table} "  # noqa: S608 - names are ours
            "WHERE session_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s",
            [_prepared(LogEntry, "session", session_id), after, up_to, READ_ENTRIES],
        )
        return _up_to_size(cursor)


def _retracts(session_id: UUID, after: int) -> list[Retract]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT seq, payload FROM {LogEntry._meta.db_table} "  # noqa: S608 - names are ours
            # Spelled out, as the condition of the index.
            f"WHERE session_id = %s AND seq > %s AND kind = '{Kind.RETRACT}' ORDER BY seq",
            [_prepared(LogEntry, "session", session_id), after],
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
            [Kind.EVENT, _prepared(LogEntry, "session", session_id), up_to],
        )
        for seq, kind, step, payload in cursor:
            yield RecordedEntry(seq, kind, step, payload.encode())


def _json(column: str, value: Any) -> Any:
    return _field(Session, column).from_db_value(value, None, connection)
