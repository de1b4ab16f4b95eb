"""A database as it is after a year: so many sessions with ten log entries each, within two minutes.

The rows go past the ORM, but into the schema that `migrate` makes: every constraint is checked, every
index kept up. The entries are made inside SQLite, from the sessions and a table of numbers.
"""

from __future__ import annotations

import datetime
import json
import random
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

YEAR_SECONDS = 365 * 24 * 3600
JOINED = "2020-01-01 00:00:00"
USERS = 1000
BUSY_KEY = "0" * 40  # the token of the first user, user-1
LONG_SHARE = 5000  # one session in so many has LONG_ENTRIES
LONG_ENTRIES = 1000
FEW = 20  # sessions of the rarest app, and of a visitor who comes again and again
# In a thousand; what has no log yet is played as soon as a server starts.
STATUSES = {
    "finished": 800.0,
    "failed": 50.0,
    "cancelled": 40.0,
    "expired": 40.0,
    "waiting": 69.0,
    "diverged": 0.98,
    "created": 0.01,
    "running": 0.01,
}
EXIT_CODES = {"finished": 0, "failed": 1, "cancelled": 130, "expired": 124}
WITHOUT_LOG = ("created", "running")
PRAGMAS = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-2000000", "temp_store=MEMORY")
ENTRIES = """
INSERT INTO sessions_app_logentry (session_id, seq, kind, step, closes_turn, payload, created_at)
SELECT session.id, numbers.seq,
    CASE WHEN numbers.seq % 5 = 0 THEN 'interaction' ELSE 'event' END, '',
    numbers.seq % 5 = 4 OR numbers.seq = session.last_seq,
    CASE WHEN numbers.seq % 5 = 0 THEN printf(:interaction, numbers.seq) ELSE printf(:event, numbers.seq) END,
    session.updated_at
FROM sessions_app_session AS session CROSS JOIN numbers ON numbers.seq <= session.last_seq
ORDER BY session.rowid, numbers.seq
"""
PROMPT = {"block_id": "input_request-1", "block_type": "input_request", "app": "echo.echo"}
INTERACTION = '{"blockId":"input_request-%d","value":"an answer","blockType":"text"}'
EVENT = (
    '{"event_class":"content","block_type":"markdown","block_id":"markdown-%d",'
    f'"data":{{"content":"{"some words " * 10}"}},"timestamp":"2026-01-01T00:00:00.000000+00:00",'
    '"chunk_id":1,"app":{"name":"echo.echo","instance_id":0},"parent_block_id":null}'
)


class Population:
    """Who so many sessions are of. The first user has every tenth of them, `visitor` and the last app FEW."""

    def __init__(self, sessions: int) -> None:
        self.sessions = sessions
        self.visitor = UUID(int=7)
        self._chance = random.Random(1)

    def fill(self, database: Path) -> int:
        """Insert them with their logs into a database that has apps; the number of entries."""
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN")
            users = [*map(_user_row, range(1, USERS + 1))]
            insert(connection, "auth_user", users)
            insert(connection, "authtoken_token", [{"key": BUSY_KEY, "user_id": 1, "created": JOINED}])
            apps = [app for (app,) in connection.execute("SELECT id FROM apps_app_app ORDER BY id")]
            insert(connection, "sessions_app_session", self._rows(apps))
            connection.execute("CREATE TEMP TABLE numbers (seq INTEGER PRIMARY KEY)")
            insert(connection, "numbers", [{"seq": seq} for seq in range(1, LONG_ENTRIES + 1)])
            entries = connection.execute(ENTRIES, {"interaction": INTERACTION, "event": EVENT}).rowcount
            connection.execute("COMMIT")
        return entries

    def _rows(self, apps: list[str]) -> Iterator[dict[str, Any]]:
        """Sessions in the order in which they were created, up to now; each app has half of those left."""
        choose = partial(self._chance.choices, k=self.sessions)
        statuses = choose(list(STATUSES), list(STATUSES.values()))
        played = choose(apps[:-1], [2.0**-place for place in range(len(apps) - 1)])
        start = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - datetime.timedelta(days=365)
        for number, (status, app) in enumerate(zip(statuses, played, strict=True)):
            created = start + datetime.timedelta(seconds=number * YEAR_SECONDS / self.sessions)
            is_rare = number % (self.sessions // FEW) == 0
            row = session_row(self._chance, number, status, created)
            yield {**row, **self._owner(number), "app_id": apps[-1] if is_rare else app}

    def _owner(self, number: int) -> dict[str, Any]:
        if number % (self.sessions // FEW) == 1:
            return {"user_id": None, "visitor": self.visitor.hex}
        if number % 10 == 0:
            return {"user_id": 1, "visitor": None}
        if number % 3 == 0:
            return {"user_id": self._chance.randint(2, USERS), "visitor": None}
        return {"user_id": None, "visitor": f"{self._chance.getrandbits(128):032x}"}


def insert(connection: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows that all have the columns of the first."""
    rows = iter(rows)
    first = next(rows)
    columns, values = ", ".join(first), ", ".join(f":{name}" for name in first)
    statement = f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608 - names are ours
    connection.executemany(statement, chain([first], rows))


def _user_row(number: int) -> dict[str, Any]:
    names = dict.fromkeys(("password", "first_name", "last_name", "email"), "")
    flags = {"is_superuser": False, "is_staff": False, "is_active": True}
    return {"id": number, "username": f"user-{number}", "date_joined": JOINED, **names, **flags}


def session_row(
    chance: random.Random, number: int, status: str, created: datetime.datetime
) -> dict[str, Any]:
    """A session's row without whose it is, and of what."""
    is_ended = status in EXIT_CODES
    entries = 0 if status in WITHOUT_LOG else LONG_ENTRIES if number % LONG_SHARE == 0 else 1 + number % 19
    updated = str(created + datetime.timedelta(seconds=chance.randrange(1, 3600), microseconds=1))
    exit_data = {"exit_code": EXIT_CODES[status], "reason": None} if is_ended else None
    return {
        "id": f"{chance.getrandbits(128):032x}",
        "status": status,
        "title": f"Session {number}" if number % 10 == 0 else "",
        "pending": json.dumps([PROMPT] if status == "waiting" else []),
        "last_seq": entries,
        "turn_seq": entries // 5 * 5,
        "log_bytes": entries * 300,
        "epoch": 1,
        "owner": "",
        "exit": json.dumps(exit_data) if is_ended else None,
        "failure": "Traceback\n" * 100 if status == "failed" else "",
        "divergence": json.dumps({"seq": 1}) if status == "diverged" else None,
        "forked_from_id": None,
        "code_hash": "0" * 64,
        "is_suspect": False,
        "deaths": 0,
        "idempotency_key": f"key {number}" if number % 3 else None,
        "wake_at": None,
        "wait_ends_at": None,
        "life_ends_at": str(created + datetime.timedelta(days=1000)) if number % 10 == 0 else None,
        "created_at": str(created),
        "updated_at": updated,
        "finished_at": updated if is_ended else None,
    }
