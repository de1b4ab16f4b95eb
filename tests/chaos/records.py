"""What the harness reads where clients cannot: the server's database, and the file of the apps' effects."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.chaos.story import Execution


class Records:
    """The files in a server's folder."""

    def __init__(self, folder: Path) -> None:
        self.effects = folder / "effects"
        self.effects.touch()
        self._database = folder / "db.sqlite3"

    def executions(self) -> Iterator[Execution]:
        """Every time that a step did what it is for, in order."""
        for line in self.effects.read_text().splitlines():
            time, key = line.split(" ")
            yield Execution(key, float(time))

    def steps(self) -> dict[str, float]:
        """When each step was recorded, in s since the epoch, by idempotency key."""
        rows = self._rows(
            "SELECT session_id, step, created_at FROM sessions_app_logentry WHERE kind = 'step'"
        )
        return {f"{UUID(row['session_id'])}:{row['step']}": _seconds(row["created_at"]) for row in rows}

    def session_ids(self) -> set[str]:
        return {str(UUID(row["id"])) for row in self._rows("SELECT id FROM sessions_app_session")}

    def session(self, session_id: str) -> dict[str, Any]:
        """A session's row, with what the API does not tell: its owner, its epoch, when it wakes."""
        (row,) = self._rows("SELECT * FROM sessions_app_session WHERE id = ?", UUID(session_id).hex)
        return {name: row[name] for name in row.keys() if row[name]}  # noqa: SIM118 - a Row iterates over values

    def _rows(self, query: str, *parameters: str) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self._database)) as database:
            database.row_factory = sqlite3.Row
            return database.execute(query, parameters).fetchall()


def _seconds(created_at: str) -> float:
    return datetime.fromisoformat(created_at).replace(tzinfo=UTC).timestamp()
