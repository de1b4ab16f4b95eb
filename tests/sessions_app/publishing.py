"""Writes for the log writer, and one who hears what it has committed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, Session
from sessions_app.writes import Hint, NewEntry, Write
from tests.sessions_app.playing import entries

SECONDS = 20.0


def write(session: Session, text: str = "{}", *, epoch: int = 0, kind: Kind = Kind.EVENT) -> Write:
    return Write(session.id, {"epoch": epoch}, [NewEntry(kind, text.encode())])


def payloads(session: Session) -> list[str]:
    return [entry.payload.decode() for entry in entries(session.id)]


class Publisher:
    """Keeps each commit's hints. While `held`, the writer waits in it, and others queue up behind."""

    def __init__(self) -> None:
        self.commits: list[list[Hint]] = []
        self.hints: list[Hint] = []  # of all commits
        self._may_pass = threading.Event()
        self._may_pass.set()
        self._arrived = threading.Semaphore(0)

    def __call__(self, hints: list[Hint]) -> None:
        self.commits.append(hints)
        self.hints.extend(hints)
        self._arrived.release()
        assert self._may_pass.wait(SECONDS)

    @contextmanager
    def held(self, writer: LogWriter, session: Session) -> Iterator[None]:
        """The writer has committed a write of `session` and does nothing more until the block's end."""
        self._may_pass.clear()
        holding = writer.submit(write(session))
        assert self._arrived.acquire(timeout=SECONDS)
        try:
            yield
        finally:
            self._may_pass.set()
        holding.result(SECONDS)
