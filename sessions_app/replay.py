"""A session's log while it is played again: what is recorded, held against what the app does now.

Invariant 6 is kept here: the log wins. What the app shows matches by its shape, never by data or
time; what is recorded of a step is given, not done again (invariant 5).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from apps_app.dsl.runtime import StepOutcome
from apps_app.events import Event, encode_json
from sessions_app.frames import Entry
from sessions_app.log_reading import RecordedEntry
from sessions_app.models import Kind
from sessions_app.question import Question
from sessions_app.steps import Branch
from sessions_app.writes import NewEntry

Account = dict[str, Any]  # of what was recorded or attempted, for people to read


class MismatchError(Exception):
    """The app does something else than what is recorded at this place of its log."""

    def __init__(self, seq: int, recorded: Account | None, attempted: Account | None) -> None:
        super().__init__(f"At entry {seq} the log has {recorded}; the app came with {attempted}.")
        self.divergence = {"seq": seq, "recorded": recorded, "attempted": attempted}


class Shape(NamedTuple):
    """What of an event must be the same in a replay."""

    block_type: str
    block_id: str
    chunk_id: int
    parent_block_id: str | None
    app: str

    def account(self) -> Account:
        return {"kind": str(Kind.EVENT), **self._asdict()}


@dataclass(slots=True)
class Stretch:
    """Events that stand next to each other in the log and are chunks of one block, one after the other."""

    seq: int
    shape: Shape
    length: int = 1

    def goes_on_with(self, seq: int, shape: Shape) -> bool:
        expected = self.shape._replace(chunk_id=self.shape.chunk_id + self.length)
        return seq == self.seq + self.length and shape == expected


class RecordedStep(NamedTuple):
    """What the log has of a step; without an outcome, the app had given it up.

    `highest`: by block type the highest number that the step gave a block, by block id the last
    chunk that it showed of a block from outside.
    """

    seq: int
    name: str
    outcome: StepOutcome | None
    highest: Mapping[str, int]


class Recording:
    """What is still to come of a log: its events outside of steps in order, its steps, its answers.

    `own` is the branch of the app's own work. A task that it has left running may call its recorded
    steps later than the first time, since the app's own work takes no time in a replay.
    """

    def __init__(self, entries: Iterable[RecordedEntry]) -> None:
        self.own = Branch()
        self._events: deque[Stretch] = deque()
        self._steps: dict[str, RecordedStep] = {}
        self._interactions: deque[Entry] = deque()
        self._unfinished: dict[str, list[range]] = {}  # what steps without a result have shown
        self._last_seq = 0
        for entry in entries:
            self._add(entry)

    @property
    def is_over(self) -> bool:
        """All of it has been played: from here on what the app does is new."""
        return not (self._events or self._steps or self._interactions)

    @property
    def has_events(self) -> bool:
        return bool(self._events)

    def cut_off(self) -> list[range]:
        """The seqs that steps without a result have shown, one range for each contiguous stretch."""
        ranges: list[range] = []
        for found in sorted((each for shown in self._unfinished.values() for each in shown), key=min):
            if ranges and ranges[-1].stop == found.start:
                found = range(ranges.pop().start, found.stop)
            ranges.append(found)
        return ranges

    def play_event(self, event: Event) -> bool:
        """Whether the event is recorded; raises MismatchError where something else is."""
        shape = shape_of(event)
        if not self._events:
            self.check_played(shape.account())
            return False
        stretch = self._events[0]
        if stretch.shape != shape:
            raise MismatchError(stretch.seq, stretch.shape.account(), shape.account())
        if stretch.length == 1:
            self._events.popleft()
        else:
            following = shape._replace(chunk_id=shape.chunk_id + 1)
            self._events[0] = Stretch(stretch.seq + 1, following, stretch.length - 1)
        return True

    def play_question(self, question: Question) -> None:
        """Give the question the answers that were recorded for it; raises MismatchError where the log goes on
        without one.
        """
        attempted = {"kind": "question", "block_ids": list(question.missing)}
        while question.missing and self._interactions:
            interaction = self._interactions.popleft()
            try:
                question.take(interaction)
            except (ValueError, LookupError) as error:
                raise MismatchError(interaction.seq, _account_of(interaction), attempted) from error
        if question.missing and self._events:
            self._raise_events(attempted)

    def play_step(self, key: str, name: str) -> RecordedStep | None:
        """What is recorded of a step, None for one that is to be run; raises MismatchError."""
        attempted = {"kind": str(Kind.STEP), "key": key, "name": name}
        step = self._steps.get(key)
        if step is None:
            if self._events and self.own.has(key):
                self._raise_events(attempted)
            return None
        if step.name != name:
            raise MismatchError(step.seq, attempted | {"name": step.name}, attempted)
        return self._steps.pop(key)

    def highest(self, mark: str) -> int:
        """The highest number under this mark in the steps that are still to be called; 0 for none."""
        return max((step.highest.get(mark, 0) for step in self._steps.values()), default=0)

    def highest_of_tasks(self, mark: str) -> int:
        """The same, before which the app's own new blocks come: that of steps that tasks are to call."""
        if self._events or not self._steps:
            return 0
        called = (step for key, step in self._steps.items() if self.own.may_still_call(key))
        return max((step.highest.get(mark, 0) for step in called), default=0)

    def check_played(self, attempted: Account | None) -> None:
        """Raise MismatchError, with the first that is left, unless all has been played.

        To be called before the app goes on with something new.
        """
        for seq, recorded in sorted(self._left(), key=itemgetter(0)):
            raise MismatchError(seq, recorded, attempted)

    def end(self, problem: Account) -> MismatchError:
        """That the app cannot go on at all, at the end of what is recorded."""
        return MismatchError(self._last_seq, None, problem)

    def _left(self) -> Iterator[tuple[int, Account]]:
        """By seq, the next event, the next answer, and all steps that nobody is going to call."""
        if self._events:
            yield self._events[0].seq, self._events[0].shape.account()
        if self._interactions:
            yield self._interactions[0].seq, _account_of(self._interactions[0])
        for key, step in self._steps.items():
            if not self.own.may_still_call(key):
                yield step.seq, {"kind": str(Kind.STEP), "key": key, "name": step.name}

    def _raise_events(self, attempted: Account | None) -> None:
        raise MismatchError(self._events[0].seq, self._events[0].shape.account(), attempted)

    def _add(self, entry: RecordedEntry) -> None:
        self._last_seq = entry.seq
        match entry.kind:
            case Kind.EVENT if entry.step:
                self._add_unfinished(entry)
            case Kind.EVENT:
                self._add_event(entry)
            case Kind.STEP:
                self._add_step(entry)
            case Kind.INTERACTION:
                self._interactions.append(Entry(entry.seq, entry.kind, False, entry.payload))
            case Kind.RETRACT:
                self._retract(orjson.loads(entry.payload))

    def _add_event(self, entry: RecordedEntry) -> None:
        event = orjson.loads(entry.payload)
        shape = Shape(
            event["block_type"],
            event["block_id"],
            event["chunk_id"],
            event["parent_block_id"],
            event["app"]["name"],
        )
        if self._events and self._events[-1].goes_on_with(entry.seq, shape):
            self._events[-1].length += 1
        else:
            self._events.append(Stretch(entry.seq, shape))

    def _add_unfinished(self, entry: RecordedEntry) -> None:
        ranges = self._unfinished.setdefault(entry.step, [])
        if ranges and ranges[-1].stop == entry.seq:
            ranges[-1] = range(ranges[-1].start, entry.seq + 1)
        else:
            ranges.append(range(entry.seq, entry.seq + 1))

    def _add_step(self, entry: RecordedEntry) -> None:
        record = orjson.loads(entry.payload)
        outcome = None
        if "result" in record:
            outcome = StepOutcome(orjson.dumps(record["result"]), record["error"])
        # Given up just when its result was on the way, a step has both: the app has seen the latter only.
        earlier = self._steps.get(entry.step)
        # Servers that could not replay yet wrote no `highest`.
        highest = record.get("highest", {}) if earlier is None else earlier.highest
        self._steps[entry.step] = RecordedStep(entry.seq, record["name"], outcome, highest)
        self._unfinished.pop(entry.step, None)

    def _retract(self, retract: Mapping[str, int]) -> None:
        gone = range(retract["from_seq"], retract["to_seq"] + 1)
        for key, ranges in list(self._unfinished.items()):
            self._unfinished[key] = [each for each in ranges if each.start not in gone]


def step_entry(
    key: str, name: str, highest: Mapping[str, int], outcome: StepOutcome | None = None
) -> NewEntry:
    """What is recorded of a step: how it ended, or, without an outcome, that the app has given it up."""
    record: dict[str, Any] = {"name": name, "highest": highest}
    if outcome is not None:
        record |= {"error": outcome.error, "result": orjson.Fragment(outcome.result)}
    return NewEntry(Kind.STEP, encode_json(record), key)


def shape_of(event: Event) -> Shape:
    return Shape(event.data.block_type, event.block_id, event.chunk_id, event.parent_block_id, event.app_name)


def _account_of(interaction: Entry) -> Account:
    return {"kind": str(Kind.INTERACTION), "block_id": orjson.loads(interaction.payload)["blockId"]}
