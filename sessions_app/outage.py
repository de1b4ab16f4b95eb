"""While the database takes no commits: told to operators once at its beginning and once at its end.

Meanwhile every session has something refused, again and again: a line for each would fill the disk.
"""

from __future__ import annotations

import logging
import time

log = logging.getLogger(__name__)

RECENT_SECONDS = 10.0


class Outage:
    """What one writer meets with."""

    def __init__(self) -> None:
        self._error: Exception | None = None
        self._began = self._latest = 0.0
        self._commits = 0

    @property
    def is_on(self) -> bool:
        """Whether the latest commit was refused."""
        return self._error is not None

    @property
    def recent(self) -> Exception | None:
        """Why the latest commit was refused, if it was; forgotten after a while, for the next may go well."""
        return self._error if time.monotonic() - self._latest < RECENT_SECONDS else None

    def refused(self, error: Exception) -> None:
        self._latest = time.monotonic()
        if self._error is None:
            self._began, self._commits = self._latest, 0
            log.error("The database refuses commits; nothing of them is kept.", exc_info=error)
        self._error = error
        self._commits += 1

    def passed(self) -> None:
        """A commit went well."""
        if self._error is not None:
            seconds = time.monotonic() - self._began
            log.warning("The database takes commits again; it refused %d in %.1f s.", self._commits, seconds)
        self._error = None
