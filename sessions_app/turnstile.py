"""A fair lock between the processes that write one SQLite file.

SQLite's own busy handler polls, and a process that commits without a pause always retakes the
lock first. Whoever waits here holds the gate, so the committer must queue behind it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from django.db.backends.base.base import BaseDatabaseWrapper


class Turnstile:
    """Two lock files beside the database; one instance a writing thread."""

    def __init__(self, database: str) -> None:
        self._gate = os.open(f"{database}.gate", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._main = os.open(f"{database}.turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # A child that an app forks would share the lock, and keep it when this process is dead.
        os.register_at_fork(after_in_child=self.close)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the right to write. Keep it for one transaction."""
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._main, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._main, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give up the files; a second call does nothing."""
        for descriptor in (self._gate, self._main):
            if descriptor >= 0:
                os.close(descriptor)
        self._gate = self._main = -1


class OpenDoor:
    """The twin for databases that order their writers themselves."""

    def turn(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        pass


def turnstile(connection: BaseDatabaseWrapper) -> Turnstile | OpenDoor:
    """The turnstile that writes to this connection's database go through."""
    if connection.vendor == "sqlite" and not connection.is_in_memory_db():  # type: ignore[attr-defined]
        return Turnstile(str(connection.settings_dict["NAME"]))
    return OpenDoor()
