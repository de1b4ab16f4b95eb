"""What is to become of a session and its log, and what came of it: the values the log takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from sessions_app.frames import Segment
from sessions_app.models import Kind, Session


class FencedError(Exception):
    """The session is not as the write expects it: ended, taken over, or changed since it was read.

    Or it is a new one whose idempotency key has made one already.
    """

    def __init__(self, session_id: UUID) -> None:
        super().__init__(f"Session {session_id} has changed hands or state; nothing was written.")


@dataclass(slots=True)
class NewEntry:
    """An entry that has no seq yet; `idempotency_key` is what it was posted with."""

    kind: Kind
    payload: bytes
    step: str = ""
    closes_turn: bool = False
    idempotency_key: str = ""


class Position(NamedTuple):
    """Where a session's row stands after a write."""

    last_seq: int
    turn_seq: int
    log_bytes: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Hint:
    """What one commit added to one session: entries after `after` up to `last_seq`, ready to send.

    Without segments although entries were added, it only says that the log has more.
    `state` holds `status`, `pending` and `divergence` if the commit changed the status.
    """

    session_id: UUID
    after: int
    last_seq: int
    segments: list[Segment] = field(default_factory=list)
    state: dict[str, Any] | None = None

    @property
    def size(self) -> int:
        """Bytes of its frames."""
        return sum(len(segment.frames) for segment in self.segments)


@dataclass(slots=True)
class Write:
    """One change of one session: the entries to append and the columns to set, if `where` still holds.

    `where` maps columns to a value or a tuple of values.
    """

    session_id: UUID
    where: Mapping[str, Any]
    entries: list[NewEntry] = field(default_factory=list)
    changes: Mapping[str, Any] = field(default_factory=dict)
    raise_epoch: bool = False

    @property
    def size(self) -> int:
        """Bytes of its entries' payloads."""
        return sum([len(entry.payload) for entry in self.entries])

    def joins(self, earlier: Write) -> bool:
        """Whether it can be carried out together with an earlier one, as one update."""
        raises = self.raise_epoch or earlier.raise_epoch
        return self.where == earlier.where and self.where.keys() == {"epoch"} and not raises


@dataclass(frozen=True, slots=True)
class Removal:
    """Takes a session away, with its log: to be repeated until there is nothing left of it."""

    session_id: UUID


@dataclass(frozen=True, slots=True)
class Fork:
    """Inserts a session whose log begins as that of another one, up to its own `last_seq`."""

    session: Session
    source_id: UUID

    @property
    def session_id(self) -> UUID:
        return self.session.id


def join(writes: Sequence[Write]) -> Write:
    """Writes of one session that join each other, as one."""
    if len(writes) == 1:
        return writes[0]
    entries = [entry for write in writes for entry in write.entries]
    changes = {name: value for write in writes for name, value in write.changes.items()}
    return Write(writes[0].session_id, writes[0].where, entries, changes, writes[0].raise_epoch)


@dataclass(frozen=True, slots=True)
class Printed:
    """What a session's app printed: to come after what is kept of that, of which `limit` characters stay."""

    session_id: UUID
    text: str
    limit: int

    @property
    def size(self) -> int:
        """Characters of its text: near enough to bytes for what it bounds."""
        return len(self.text)


# What the log's writer carries out; a `Session` is a new row.
Work = Write | Session | Fork | Removal | Printed


def session_of(work: Work) -> UUID:
    """The id of the session that a piece of work is about."""
    return work.id if isinstance(work, Session) else work.session_id
