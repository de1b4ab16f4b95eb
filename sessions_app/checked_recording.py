"""A recording that is held against an app's code of today: it tells other data too, and knows the exit."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps_app.blocks import Exit
from apps_app.events import Event
from sessions_app.exits import is_of_app, may_be_of_step
from sessions_app.log_reading import RecordedEntry
from sessions_app.replay import Account, MismatchError, RecordedStep, Recording, shape_of
from sessions_app.steps import Branch

MAX_DIFFERENCES = 20  # of one session, for people to read
TEXT_SHOWN = 60
CONTEXT_SHOWN = 15  # of a text, what comes before the first character that differs


@dataclass(frozen=True)
class Difference:
    """An event that matches, but with other data: the names of what differs, and how."""

    seq: int
    block_id: str
    fields: dict[str, tuple[str, str]]

    def __str__(self) -> str:
        changes = "; ".join(f"{name} {old} is now {new}" for name, (old, new) in self.fields.items())
        return f"entry {self.seq}, {self.block_id}: {changes}"


class CheckedRecording(Recording):
    """`differences` are the first MAX_DIFFERENCES of those found, `differing` is how many there are."""

    def __init__(self, entries: Iterable[RecordedEntry]) -> None:
        self._payloads: deque[tuple[int, bytes]] = deque()  # of the events still to come
        self._exit: Mapping[str, Any] | None = None
        self.differences: list[Difference] = []
        self.differing = 0
        super().__init__(entries)

    @property
    def may_end_in_step(self) -> bool:
        """Whether a step without a result is where the app came to the exit, and all that is left."""
        return self._is_at_exit and self._exit is not None and may_be_of_step(self._exit)

    def play_event(self, event: Event) -> bool:
        is_recorded = super().play_event(event)
        if is_recorded:
            self._compare(*self._payloads.popleft(), event)
        return is_recorded

    def play_step(self, key: str, name: str) -> RecordedStep | None:
        """As in any replay; but the app may have come to its exit while a step was under way."""
        is_cut_off = key not in self._steps and self._is_at_exit
        if is_cut_off and (self.may_end_in_step or not Branch().has(key)):
            return None
        return super().play_step(key, name)

    def play_exit(self, event: Event) -> None:
        """The app comes to its exit; raises MismatchError unless it did so here, with the same exit code."""
        attempted = _account_of(event)
        if not self._is_at_exit:
            self.check_played(attempted)
            return
        ending = self._events.pop()
        self.check_played(attempted)
        self._events.append(ending)
        recorded = ending.shape.account() | _outcome(self._exit or {})
        if recorded != attempted | {"reason": recorded["reason"]}:
            raise MismatchError(ending.seq, recorded, attempted)
        self.play_event(event)

    @property
    def _is_at_exit(self) -> bool:
        return len(self._events) == 1 and self._events[0].shape.block_type == Exit.block_type

    def _add_event(self, entry: RecordedEntry) -> None:
        event = orjson.loads(entry.payload)
        if event["block_type"] == Exit.block_type:
            if not is_of_app(event["data"]):
                return  # nothing that the app could do again
            self._exit = event["data"]
        super()._add_event(entry)
        self._payloads.append((entry.seq, entry.payload))

    def _compare(self, seq: int, payload: bytes, event: Event) -> None:
        recorded, attempted = orjson.loads(payload)["data"], orjson.loads(event.to_json())["data"]
        if recorded == attempted:
            return
        fields = _differing(recorded, attempted)
        if event.data.block_type == Exit.block_type and recorded.get("error_cause"):
            fields.pop("return_value", None)  # with DEBUG a traceback
        if fields:
            self.differing += 1
            if len(self.differences) < MAX_DIFFERENCES:
                self.differences.append(Difference(seq, event.block_id, fields))


def _account_of(exit_event: Event) -> Account:
    return shape_of(exit_event).account() | _outcome(exit_event.data.to_wire())


def _outcome(exit_data: Mapping[str, Any]) -> Account:
    return {name: exit_data.get(name) for name in ("exit_code", "reason")}


def _differing(recorded: Mapping[str, Any], attempted: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    names = [name for name in {**recorded, **attempted} if recorded.get(name) != attempted.get(name)]
    return {name: _both_shown(recorded.get(name), attempted.get(name)) for name in names}


def _both_shown(recorded: Any, attempted: Any) -> tuple[str, str]:
    """Two values that differ, as short texts around the place where they do."""
    old, new = (value if isinstance(value, str) else _json(value) for value in (recorded, attempted))
    common = next((i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None)
    start = max(0, (min(len(old), len(new)) if common is None else common) - CONTEXT_SHOWN)
    return _excerpt(old, start), _excerpt(new, start)


def _excerpt(text: str, start: int) -> str:
    end = start + TEXT_SHOWN
    return f"{'…' * (start > 0)}{text[start:end]!r}{'…' * (end < len(text))}"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
