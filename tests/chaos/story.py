"""What a session's story has to be, and how one that was lived through is judged against it. Pure functions.

The log is what `GET /events` gives at the end. Clients must have seen it, and without what was
retracted it must be the story of an uninterrupted session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import orjson

H = TypeVar("H", bound=Hashable)


class Wrong(StrEnum):
    """What must not happen, as it stands in the table of counts."""

    LOST = "events lost"
    DUPLICATED = "events duplicated"
    REORDERED = "events reordered"
    FOREIGN = "events that should not be"
    ANSWER_LOST = "interactions lost"
    ANSWER_DOUBLED = "interactions doubled"
    ANSWER_FOREIGN = "interactions that nobody sent"
    ANSWER_REFUSED = "interactions refused"
    OTHER_END = "sessions that ended otherwise"
    NO_END = "sessions that did not end"
    CREATED_TWICE = "sessions created twice"
    PAID_TWICE = "steps paid twice"
    STUCK = "servers that SIGTERM did not stop"
    OUTLIVED = "runners that outlived their server"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, as often as `count` says; `text` lets a developer find where."""

    wrong: Wrong
    text: str
    count: int = 1


def totals(findings: Iterable[Finding]) -> Counter[Wrong]:
    """How often each thing went wrong."""
    result: Counter[Wrong] = Counter()
    for finding in findings:
        result[finding.wrong] += finding.count
    return result


class Entry(NamedTuple):
    """An entry as a client sees it: `payload` is JSON, byte for byte what the stream carries."""

    seq: int
    kind: str
    payload: bytes


class Sent(NamedTuple):
    """An interaction that was posted until it was answered; `refusal` is empty if it was accepted."""

    body: dict[str, Any]
    refusal: str = ""


class Execution(NamedTuple):
    """One time that a step did what it is for: its key, and the time in s since the epoch."""

    key: str
    time: float


def logged(entry: Mapping[str, Any]) -> Entry:
    """An entry of `GET /events`."""
    payload = {name: value for name, value in entry.items() if name not in ("seq", "kind")}
    return Entry(entry["seq"], entry["kind"], orjson.dumps(payload))


def judge_client(seen: Sequence[Entry], log: Sequence[Entry]) -> list[Finding]:
    """Whether a client in follow mode has seen all of the log, in its order.

    As CONTRACT has it, a client may miss what was retracted before its stream read it, and the
    retract of what it has not seen.
    """
    missed = {entry.seq for entry in log} - {entry.seq for entry in seen}
    due = [entry for entry in log if entry.seq not in missed or not _may_be_missed(entry, seen, log)]
    return list(_differences(due, seen, "the client"))


def _may_be_missed(entry: Entry, seen: Sequence[Entry], log: Sequence[Entry]) -> bool:
    if entry.kind == "retract":
        return not any(each.seq in _retracted(entry) for each in seen)
    return entry.kind == "event" and any(
        entry.seq in _retracted(each) for each in log if each.kind == "retract"
    )


def judge_story(log: Sequence[Entry], expected: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Whether the log's live events are those of the uninterrupted session, `expected`."""
    told, due = settled(live(log)), settled(expected)
    if told and due and _is_exit(told[-1]) and told[-1] != due[-1]:
        return [Finding(Wrong.OTHER_END, f"ended with {told[-1]}, not {due[-1]}")]
    return list(_differences(due, told, "the log"))


def live(log: Sequence[Entry]) -> list[dict[str, Any]]:
    """The events that no retract covers."""
    gone = {seq for entry in log if entry.kind == "retract" for seq in _retracted(entry)}
    return [orjson.loads(entry.payload) for entry in log if entry.kind == "event" and entry.seq not in gone]


def settled(events: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Events as they can be compared: without times, and side by side steps one after the other.

    Those show actions (apps/crowd.py), which come in any order, and numbered anew after a cut; each
    is known by its first message.
    """
    names: dict[str, str] = {}
    result: list[tuple[str, ...]] = []
    for is_action, stretch in groupby(events, key=lambda event: event["block_type"] == "action"):
        keyed = [_key(event, names if is_action else None) for event in stretch]
        result += sorted(keyed, key=lambda key: key[0]) if is_action else keyed
    return result


def _key(event: Mapping[str, Any], names: dict[str, str] | None) -> tuple[str, ...]:
    block_id = event["block_id"]
    if names is not None:
        block_id = names.setdefault(block_id, f"action {event['data']['message']}")
    shape = (block_id, str(event["chunk_id"]), event["event_class"], event["app"]["name"])
    return (*shape, str(event["parent_block_id"]), orjson.dumps(event["data"]).decode())


def _is_exit(key: tuple[str, ...]) -> bool:
    return key[2] == "lifecycle"


def judge_answers(sent: Iterable[Sent], log: Sequence[Entry]) -> Iterator[Finding]:
    """Whether each accepted interaction is in the log once, and none that was not sent.

    One that was refused is a finding of its own, wherever it is.
    """
    recorded = Counter(_body(orjson.loads(entry.payload)) for entry in log if entry.kind == "interaction")
    for body, refusal in sent:
        count = recorded.pop(_body(body), 0)
        if refusal:
            yield Finding(Wrong.ANSWER_REFUSED, f"{body}, {count} times in the log, was refused: {refusal}")
        elif count == 0:
            yield Finding(Wrong.ANSWER_LOST, f"{body} was accepted and is not in the log")
        if count > 1:
            yield Finding(Wrong.ANSWER_DOUBLED, f"{body} is {count} times in the log", count - 1)
    for unsent, count in recorded.items():
        yield Finding(Wrong.ANSWER_FOREIGN, f"{unsent.decode()} was never sent", count)


def judge_steps(executions: Iterable[Execution], recorded: Mapping[str, float]) -> Iterator[Finding]:
    """Whether no step was executed after its result was in the log; `recorded` has the times by key."""
    for key, time in executions:
        if time > recorded.get(key, time):
            late = time - recorded[key]
            yield Finding(Wrong.PAID_TWICE, f"step {key} was executed {late:.3f} s after it was recorded")


def _body(interaction: Mapping[str, Any]) -> bytes:
    return orjson.dumps(interaction, option=orjson.OPT_SORT_KEYS)


def _retracted(entry: Entry) -> range:
    data = orjson.loads(entry.payload)
    return range(data["from_seq"], data["to_seq"] + 1)


def _differences(due: Sequence[H], found: Sequence[H], where: str) -> Iterator[Finding]:
    """How `found` differs from `due`, item by item; the order is judged on what both have."""
    due_counts, found_counts = Counter(due), Counter(found)
    missing, extra = due_counts - found_counts, found_counts - due_counts
    for item, count in missing.items():
        yield Finding(Wrong.LOST, f"{where} lacks {_shown(item)}", count)
    for item, count in extra.items():
        wrong = Wrong.DUPLICATED if item in due_counts else Wrong.FOREIGN
        yield Finding(wrong, f"{where} has {_shown(item)} {count} times too many", count)
    pairs = zip(_common(due, found_counts), _common(found, due_counts), strict=True)
    moved = [(expected, actual) for expected, actual in pairs if expected != actual]
    if moved:
        expected, actual = map(_shown, moved[0])
        yield Finding(Wrong.REORDERED, f"{where} has {actual} where {expected} is due", len(moved))


def _common(items: Iterable[H], others: Mapping[H, int]) -> list[H]:
    """The first occurrences of what is in both."""
    return [item for item in dict.fromkeys(items) if item in others]


def _shown(item: object) -> str:
    text = str(item)
    return text if len(text) < 400 else f"{text[:400]}…"
