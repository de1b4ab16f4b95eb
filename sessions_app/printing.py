"""What apps print: caught by session on its way to the real streams, kept for operators.

Memory is bounded by what is kept in the end: of each session the latest part, and one write of it
under way.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from io import StringIO
from typing import Any, TextIO
from uuid import UUID

from apps_app.events import storable
from sessions_app.conf import conf
from sessions_app.database import UNAVAILABLE
from sessions_app.log_writer import LogWriter
from sessions_app.writes import Position, Printed

log = logging.getLogger(__name__)

FINISH_SECONDS = 2.0


def install() -> None:
    """Have what apps print caught in this process."""
    # Not sys.stdout's own methods: libraries bind the streams themselves, as logging has done by now.
    sys.stdout, sys.stderr = AppStream(sys.stdout), AppStream(sys.stderr)
    os.register_at_fork(after_in_child=lambda: _prints.set(None))  # nothing there would be saved


class AppStream:
    """Stands for a stream of the process; what a session's app writes to it is kept for that session too."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        if (prints := _prints.get()) is not None:
            prints.add(text)
        with suppress(OSError):  # a full disk under the server's output is no reason for an app to fail
            self._write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:  # nor is a terminal that cannot show it
            encoding = self._stream.encoding
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def close(self) -> None:
        """The stream is every session's."""


class Printer:
    """Brings what the sessions of one runner print to the database."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._unsaved: set[Prints] = set()

    def prints_of(self, session_id: UUID) -> Prints:
        return Prints(session_id, self._writer, self._unsaved)

    def save(self) -> None:
        """Have all that is unsaved written, also what outlived its run: a stray thread may go on to print."""
        for prints in list(self._unsaved):
            prints.save()

    def finish(self) -> None:
        """As `save`, before the writer stops: what was printed during a write that is under way comes too."""
        for prints in list(self._unsaved):
            prints.finish()


class Prints:
    """The latest that one run's app has printed. Filled by any thread."""

    def __init__(self, session_id: UUID, writer: LogWriter, unsaved: set[Prints]) -> None:
        self._session_id = session_id
        self._writer = writer
        self._unsaved = unsaved
        self._limit = conf.printed_characters
        self._text = StringIO()
        self._is_saving = self._is_due = False
        # Reentrant: a `__del__` that the garbage collector calls in here may print as well.
        self._lock = threading.RLock()
        self._saved_one = threading.Condition(self._lock)

    @contextmanager
    def caught(self) -> Iterator[None]:
        """What this thread or task prints inside the block, and what it starts, is this run's."""
        token = _prints.set(self)
        try:
            yield
        finally:
            _prints.reset(token)
            self.save()

    def add(self, text: str) -> None:
        with self._lock:
            self._text.write(text[-self._limit :])
            if self._text.tell() > 2 * self._limit:  # not each time: it costs a copy
                self._keep(self._latest())
            self._unsaved.add(self)

    def save(self) -> None:
        """Have it written, without waiting: after what is being written now, if anything is."""
        with self._lock:
            self._is_due = self._is_saving
            if self._is_saving or self not in self._unsaved:
                return
            text = self._latest()
            self._keep("")
            self._unsaved.discard(self)
            self._is_saving = True
        printed = Printed(self._session_id, storable(text), self._limit)
        self._writer.put(printed, self._saved, waits=False)

    def finish(self) -> None:
        """Have it written after the write that is under way, for which this waits."""
        with self._saved_one:
            self._saved_one.wait_for(lambda: not self._is_saving, FINISH_SECONDS)
        self.save()

    def _latest(self) -> str:
        return self._text.getvalue()[-self._limit :]

    def _keep(self, text: str) -> None:
        self._text = StringIO()
        self._text.write(text)

    def _saved(self, outcome: Position | Exception) -> None:
        with self._lock:
            self._is_saving = False
            is_due = self._is_due
            self._saved_one.notify_all()
        if is_due:
            self.save()
        if isinstance(outcome, Exception) and not isinstance(outcome, UNAVAILABLE):  # which the writer tells
            log.error("What session %s printed could not be kept: %s", self._session_id, outcome)


_prints: ContextVar[Prints | None] = ContextVar("prints", default=None)
