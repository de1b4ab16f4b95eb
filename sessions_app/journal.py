"""A run's pen: what it writes goes to the log in order, under its epoch, and within the limits.

Invariant 1 is kept with it: once a write is refused, nothing more is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from apps_app.dsl.runtime import Parked
from sessions_app.conf import conf
from sessions_app.log_writer import LogWriter
from sessions_app.models import Status
from sessions_app.write_queue import GrowingJob, WriterStoppedError
from sessions_app.writes import NewEntry, Position, Write

Settle = Callable[[Position | Exception], None]


class Journal:
    """`where` is the condition under which it writes.

    `on_refusal` is called, in the writer's thread, with the error of a write that was refused.
    """

    def __init__(
        self,
        session_id: UUID,
        position: Position,
        writer: LogWriter,
        on_refusal: Callable[[Exception], None],
    ) -> None:
        self._session_id = session_id
        self._writer = writer
        self._on_refusal = on_refusal
        self.where = {"epoch": position.epoch}
        self._turn_entries = position.last_seq - position.turn_seq
        self._bytes = position.log_bytes
        self._growing: GrowingJob | None = None  # the latest that was put
        self._max_entries = conf.max_turn_entries
        self._max_bytes = conf.max_session_bytes

    @property
    def problem(self) -> str:
        """Which limit the session has gone beyond; empty if none."""
        if self._turn_entries > self._max_entries:
            return f"The app wrote more than {self._max_entries} log entries in one turn."
        if self._bytes > self._max_bytes:
            return f"The session's log grew beyond {self._max_bytes} bytes."
        return ""

    def begin_turn(self, interaction_bytes: int) -> None:
        """An interaction of this size was recorded."""
        self._turn_entries = 0
        self._bytes += interaction_bytes

    def count(self, payload: bytes) -> None:
        """Count an entry against the limits; to be called before it is written."""
        self._turn_entries += 1
        self._bytes += len(payload)

    def append(self, entry: NewEntry) -> None:
        """Write an entry that was counted, as soon as there is room for it."""
        if self._growing is not None and self._writer.grow(self._growing, entry):
            return
        write = Write(self._session_id, self.where, [entry])
        with _parking():
            self._growing = self._writer.put_growing(write, self._settled)

    def put(
        self,
        entries: Sequence[NewEntry] = (),
        changes: Mapping[str, Any] | None = None,
        settle: Settle | None = None,
        *,
        waits: bool = True,
        raise_epoch: bool = False,
    ) -> None:
        """Write entries and changes of the row; `settle` is told what came of it, in the writer's thread.

        With `waits`, only when there is room for it.
        """
        self.put_write(
            Write(self._session_id, self.where, list(entries), changes or {}, raise_epoch),
            settle,
            waits=waits,
        )

    def put_write(self, write: Write, settle: Settle | None = None, *, waits: bool = True) -> None:
        """`put` for a write that is made elsewhere, under this journal's condition."""
        settled = self._settled if settle is None else partial(self._settled, settle=settle)
        with _parking():
            self._writer.put(write, settled, waits=waits)

    def park(self, settle: Settle) -> None:
        """Give up ownership, unless what the run waits for has come."""
        where = {**self.where, "status": Status.WAITING}
        self._writer.put(Write(self._session_id, where, changes={"owner": ""}), settle, waits=False)

    def _settled(self, outcome: Position | Exception, settle: Settle | None = None) -> None:
        if isinstance(outcome, Exception):
            self._on_refusal(outcome)
        if settle is not None:
            settle(outcome)


@contextmanager
def _parking() -> Iterator[None]:
    """Where the writer has stopped, the process ends and has given up the session."""
    try:
        yield
    except WriterStoppedError:
        raise Parked from None
