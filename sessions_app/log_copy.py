"""Copying the beginning of a session's log into a new session, byte for byte and all of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models import Count, Func, Max, Q, Sum

from sessions_app import event_log
from sessions_app.models import Kind, LogEntry, Session
from sessions_app.writes import FencedError, Fork

# All but the keys that answers were posted with: their first answers are the other session's.
COLUMNS = "seq, kind, step, closes_turn, payload, created_at"


class Octets(Func):
    """The size of a text in bytes, as UTF-8."""

    function = "OCTET_LENGTH"
    output_field = models.PositiveBigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        # It has OCTET_LENGTH only since 3.43, and LENGTH of a text counts characters.
        extra_context["template"] = "LENGTH(CAST(%(expressions)s AS BLOB))"
        return self.as_sql(compiler, connection, **extra_context)


def fork(work: Fork) -> None:
    """Insert a session with the beginning of another's log, and set the columns that follow from it.

    In the transaction that is open. Raises FencedError, and inserts nothing, when that beginning is
    not all there any more.
    """
    session = work.session
    # Locked: deleted until the commit, it would have the fork refused, and others' writes with it.
    source = Session.objects.select_for_update(no_key=True).filter(id=work.source_id)
    is_there = list(source.values_list("id"))
    copied = LogEntry.objects.filter(session=work.source_id, seq__lte=session.last_seq)
    sums = copied.aggregate(
        entries=Count("seq"),
        turn_seq=Max("seq", filter=Q(kind=Kind.INTERACTION), default=0),
        log_bytes=Sum(Octets("payload"), default=0),
    )
    if not is_there or sums["entries"] != session.last_seq:
        raise FencedError(session.id)
    session.forked_from_id = work.source_id
    session.turn_seq, session.log_bytes = sums["turn_seq"], sums["log_bytes"]
    event_log.create(session)
    _copy(work.source_id, session.id, session.last_seq)


def _copy(source_id: UUID, session_id: UUID, up_to: int) -> None:
    table, key = LogEntry._meta.db_table, LogEntry._meta.get_field("session")
    source, session = (key.get_db_prep_save(each, connection) for each in (source_id, session_id))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (session_id, {COLUMNS}) "  # noqa: S608 - names are ours
            f"SELECT %s, {COLUMNS} FROM {table} WHERE session_id = %s AND seq <= %s ORDER BY seq",
            [session, source, up_to],
        )
