"""The session log: appending under the fence, and removing. Reading is log_reading.py's.

Invariant 1 is kept here: every change of a session is one conditional update of its row, and
the entries that go with it take their seqs from that update, in one transaction.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import groupby, repeat
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from sessions_app.columns import prepared, prepared_id, prepared_time
from sessions_app.frames import segments
from sessions_app.models import LogEntry, Session
from sessions_app.writes import FencedError, Hint, NewEntry, Position, Removal, Write

ROWS_PER_STATEMENT = (256, 64, 16, 4, 1)  # few shapes, so that SQLite's statement cache holds them all
REMOVED_ENTRIES = 10_000
HINT_BYTES = 1024 * 1024  # a hint with more goes without its frames, and sends its readers to the log


def apply(write: Write, now: datetime.datetime | None = None) -> tuple[Position, Hint]:
    """Carry out a write in the transaction that is open, at the present time, or that of its commit.

    Raises FencedError where its condition fails.
    """
    now = now or timezone.now()
    with connection.cursor() as cursor:
        position = _update(cursor, write, now)
        first = position.last_seq - len(write.entries) + 1
        _insert(cursor, write.session_id, first, write.entries, now)
    return position, _hint(write, first)


def create(session: Session) -> None:
    """Insert a new session's row, at the present time; raises FencedError where its key has made one."""
    session.created_at = session.updated_at = timezone.now()
    if session.idempotency_key is None:
        _insert_session(session)
        return
    try:
        with transaction.atomic():  # others' writes are in the transaction too: they must go on
            _insert_session(session)
    except IntegrityError as error:
        if not Session.objects.filter(idempotency_key=session.idempotency_key).exists():
            raise
        raise FencedError(session.id) from error


def _insert_session(session: Session) -> None:
    fields = Session._meta.concrete_fields
    values = [field.get_db_prep_save(getattr(session, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_insert_session_sql(), values)
    session._state.adding = False  # it is there: saving it again is an update


@cache
def _insert_session_sql() -> str:
    columns = [str(field.column) for field in Session._meta.concrete_fields]
    places = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {Session._meta.db_table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - names are ours


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
        prepared_time(now),
    ]
    parameters += [prepared(Session, name, value) for name, value in write.changes.items()]
    parameters.append(prepared_id(write.session_id))
    for name, value in write.where.items():
        values = value if isinstance(value, tuple) else (value,)
        parameters += [prepared(Session, name, item) for item in values]
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
    session, created_at = prepared_id(session_id), prepared_time(now)
    seq = first
    for alike, run in groupby(entries, _but_payload):
        payloads = [entry.payload.decode() for entry in run]
        for rows in _statements(len(payloads)):
            done = payloads[:rows]
            del payloads[:rows]
            cursor.execute(_insert_sql(rows), [session, *alike, created_at, seq, *done])
            seq += rows


_but_payload = attrgetter("kind", "step", "closes_turn", "idempotency_key")


def _statements(rows: int) -> Iterator[int]:
    """How many rows each statement inserts."""
    for size in ROWS_PER_STATEMENT:
        count, rows = divmod(rows, size)
        yield from repeat(size, count)


@lru_cache(maxsize=len(ROWS_PER_STATEMENT))
def _insert_sql(rows: int) -> str:
    # One statement for many rows: sqlite3 gives up the GIL at each step, and every return to Python
    # may wait for a busy app thread. One parameter for each: Django looks for them in the statement.
    values = ", ".join(f"({number}, %s)" for number in range(rows))
    return (
        f"INSERT INTO {LogEntry._meta.db_table} "  # noqa: S608 - names are ours
        "(session_id, kind, step, closes_turn, idempotency_key, created_at, seq, payload) "
        f"SELECT %s, %s, %s, %s, %s, %s, %s + column1, column2 FROM (VALUES {values}) AS listed"
    )


def _hint(write: Write, first: int) -> Hint:
    state = None
    if "status" in write.changes:
        state = {
            "status": str(write.changes["status"]),
            "pending": write.changes.get("pending", []),
            "divergence": write.changes.get("divergence"),
        }
    stretch = segments(first, write.entries) if write.size <= HINT_BYTES else []
    return Hint(write.session_id, first - 1, first - 1 + len(write.entries), stretch, state)
