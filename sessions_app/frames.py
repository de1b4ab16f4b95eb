"""SSE framing: log entries as the bytes that a stream sends. Pure functions.

Runs of entries that all readers see become one segment, so that fifty readers share one piece
of memory and one write.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from sessions_app.models import Kind

HEARTBEAT = b": keep-alive\n\n"


class Entry(NamedTuple):
    """A log entry as it is read and shown; `payload` is JSON in UTF-8."""

    seq: int
    kind: str
    closes_turn: bool
    payload: bytes


class Retract(NamedTuple):
    """The entry `seq`, which takes back the events from seq `first` to seq `last`."""

    seq: int
    first: int
    last: int

    @classmethod
    def read(cls, seq: int, payload: str) -> Retract:
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


def frame(entry: Entry) -> bytes:
    """One SSE message; events are nameless, since old clients listen to `message`."""
    if entry.kind == Kind.STEP:
        return b""
    name = b"" if entry.kind == Kind.EVENT else b"event: %s\n" % entry.kind.encode()
    return b"%sid: %d\ndata: %s\n\n" % (name, entry.seq, entry.payload)


def status_frame(status: str, pending: Iterable[dict[str, Any]], divergence: Any) -> bytes:
    """What a stream in follow mode says of the session; without id, since it is no log entry."""
    shown = [{"block_id": prompt["block_id"], "block_type": prompt["block_type"]} for prompt in pending]
    data = orjson.dumps({"status": status, "pending": shown, "divergence": divergence})
    return b"event: status\ndata: %s\n\n" % data


def retry_frame() -> bytes:
    """Tells the client to come back in 0.2 to 2 s: spread out, so that all do not come at once."""
    return b"retry: %d\n\n" % random.randint(200, 2000)  # noqa: S311 - jitter, not a secret


def segments(entries: Iterable[Entry]) -> list[Segment]:
    """Entries with consecutive seqs as few segments as turn and follow mode allow."""
    result: list[Segment] = []
    batch: list[Entry] = []
    for entry in entries:
        if entry.kind in (Kind.INTERACTION, Kind.RETRACT):
            _close(batch, result)
            result.append(Segment(entry.seq, entry.seq, True, False, frame(entry)))
            continue
        batch.append(entry)
        if entry.closes_turn:
            _close(batch, result)
    _close(batch, result)
    return result


def _close(batch: list[Entry], result: list[Segment]) -> None:
    if batch:
        frames = b"".join(map(frame, batch))
        result.append(Segment(batch[0].seq, batch[-1].seq, False, batch[-1].closes_turn, frames))
        batch.clear()
