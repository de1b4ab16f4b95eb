"""SSE framing: log entries as the bytes that a stream sends. Pure functions.

Runs of entries that all readers see become one segment, so that fifty readers share one piece
of memory and one write.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson

from sessions_app.models import Kind

HEARTBEAT = b": keep-alive\n\n"
FOLLOW_ONLY = frozenset({Kind.INTERACTION, Kind.RETRACT})


class Entry(NamedTuple):
    """A log entry as it is read and shown; `payload` is JSON in UTF-8."""

    seq: int
    kind: str
    closes_turn: bool
    payload: bytes


class Framed(Protocol):
    """What has a place in a log, or is to have one."""

    @property
    def kind(self) -> str: ...
    @property
    def closes_turn(self) -> bool: ...
    @property
    def payload(self) -> bytes: ...


class Retract(NamedTuple):
    """The entry `seq`, which takes back the events from seq `first` to seq `last`."""

    seq: int
    first: int
    last: int

    @classmethod
    def read(cls, seq: int, payload: str | bytes) -> Retract:
        data = orjson.loads(payload)
        return cls(seq, data["from_seq"], data["to_seq"])

    @staticmethod
    def payload(seqs: range) -> bytes:
        """Of an entry that takes back the events with these seqs."""
        return orjson.dumps({"from_seq": seqs.start, "to_seq": seqs.stop - 1})


def without(retracts: Sequence[Retract], entries: list[Entry]) -> list[Entry]:
    """The entries, with nothing in the place of those that were taken back."""
    if not retracts:
        return entries
    gone = {seq for retract in retracts for seq in range(retract.first, retract.last + 1)}
    return [Entry(entry.seq, Kind.STEP, False, b"") if entry.seq in gone else entry for entry in entries]


@dataclass(frozen=True, slots=True)
class Segment:
    """The frames of entries `first` to `last`. `follow_only`: a stream in turn mode leaves it out.

    `closes_turn`: its last entry is where a stream in turn mode ends.
    """

    first: int
    last: int
    follow_only: bool
    closes_turn: bool
    frames: bytes


def frame(seq: int, kind: str, payload: bytes) -> bytes:
    """An entry as one SSE message; events are nameless, since old clients listen to `message`."""
    if kind == Kind.EVENT:
        return b"id: %d\ndata: %s\n\n" % (seq, payload)
    if kind == Kind.STEP:
        return b""
    return b"event: %s\nid: %d\ndata: %s\n\n" % (kind.encode(), seq, payload)


def status_frame(status: str, pending: Iterable[dict[str, Any]], divergence: Any) -> bytes:
    """What a stream in follow mode says of the session; without id, since it is no log entry."""
    shown = [{"block_id": prompt["block_id"], "block_type": prompt["block_type"]} for prompt in pending]
    data = orjson.dumps({"status": status, "pending": shown, "divergence": divergence})
    return b"event: status\ndata: %s\n\n" % data


def retry_frame() -> bytes:
    """Tells the client to come back in 0.2 to 2 s: spread out, so that all do not come at once."""
    return b"retry: %d\n\n" % random.randint(200, 2000)  # noqa: S311 - jitter, not a secret


def segments(first: int, entries: Iterable[Framed]) -> list[Segment]:
    """Entries, the first of which has the seq `first`, as few segments as turn and follow mode allow."""
    result: list[Segment] = []
    frames: list[bytes] = []  # of the entries that are in no segment yet
    seq = first - 1
    for seq, entry in enumerate(entries, first):
        if entry.kind in FOLLOW_ONLY:
            _close(frames, seq - 1, False, result)
            result.append(Segment(seq, seq, True, False, frame(seq, entry.kind, entry.payload)))
            continue
        frames.append(frame(seq, entry.kind, entry.payload))
        if entry.closes_turn:
            _close(frames, seq, True, result)
    _close(frames, seq, False, result)
    return result


def _close(frames: list[bytes], last: int, closes_turn: bool, result: list[Segment]) -> None:
    if frames:
        result.append(Segment(last - len(frames) + 1, last, False, closes_turn, b"".join(frames)))
        frames.clear()
