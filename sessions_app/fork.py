"""Where a session can be forked, and how the fork stands there: what its log asks at that point.

The row keeps what a session waits for only for the present; of the past the events tell it. They
are read backwards, since only the latest question matters, however long the log is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from apps_app.blocks import LayoutEnd, Structure
from apps_app.pending import PendingPrompt, judge
from sessions_app import log_reading
from sessions_app.exceptions import NotAForkPoint
from sessions_app.frames import Entry
from sessions_app.models import Kind, Session, Status

LIMITS = ("options", "min_value", "max_value")  # what an answer is judged by, as events and prompts name it


class ForkStanding(NamedTuple):
    """How a session stood at a point of its log, in the columns of its row."""

    status: Status
    pending: list[dict[str, Any]]


def standing_at(source: Session, after: int) -> ForkStanding:
    """How the session stood after the entry `after`; raises NotAForkPoint. Asks the database."""
    end = source.last_seq - 1 if source.is_ended else source.last_seq  # nothing goes on from its exit
    nearest = log_reading.last_fork_point(source.id, min(after, end))
    if nearest != after:
        raise NotAForkPoint(after, nearest)
    if after == 0:
        return ForkStanding(Status.CREATED, [])
    pending = pending_after(log_reading.read_back(source.id, after))
    return ForkStanding(Status.WAITING if pending else Status.RUNNING, pending)


def pending_after(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """What a session waits for after these events and interactions, the latest first, as its row has it.

    Reads no further than to the beginning of what the latest question stands in.
    """
    log = iter(entries)
    interactions: list[Any] = []
    for entry in log:
        if entry.kind == Kind.INTERACTION:
            interactions.append(orjson.loads(entry.payload))
        elif entry.closes_turn:
            prompts = _asked(orjson.loads(entry.payload), _events(log))
            return [prompt.model_dump(exclude_none=True) for prompt in _unanswered(prompts, interactions)]
    return []


def _events(entries: Iterable[Entry]) -> Iterator[Any]:
    return (orjson.loads(entry.payload) for entry in entries if entry.kind == Kind.EVENT)


def _asked(closing: Any, earlier: Iterator[Any]) -> list[PendingPrompt]:
    """The prompts of a question: of a layout those shown directly in it, since an inner one has its own."""
    if closing["block_type"] != LayoutEnd.block_type:
        return [_prompt(closing, [])]
    shown = []
    for event in earlier:
        if event["event_class"] == "prompt" and event["parent_block_id"] == closing["block_id"]:
            shown.append(event)
        elif _opens(event, closing["block_id"]):
            layouts = [*_around(event, earlier), closing["block_id"]]
            return [_prompt(prompt, layouts) for prompt in reversed(shown)]
    return []


def _around(opening: Any, earlier: Iterator[Any]) -> list[str]:
    """The layouts that one was opened in, the outermost first."""
    layouts: list[str] = []
    wanted = opening["parent_block_id"]
    while wanted is not None:
        layouts.insert(0, wanted)
        wanted = next((event["parent_block_id"] for event in earlier if _opens(event, wanted)), None)
    return layouts


def _opens(event: dict[str, Any], block_id: str) -> bool:
    return bool(event["event_class"] == Structure.event_class and event["block_id"] == block_id)


def _prompt(event: Any, layouts: list[str]) -> PendingPrompt:
    limits = {name: event["data"][name] for name in LIMITS if name in event["data"]}
    return PendingPrompt(
        block_id=event["block_id"], block_type=event["block_type"], layouts=layouts, **limits
    )


def _unanswered(prompts: list[PendingPrompt], interactions: list[Any]) -> list[PendingPrompt]:
    """What is left of the prompts after these interactions, the latest first."""
    for posted in reversed(interactions):
        answers = judge(prompts, posted["blockId"], posted["blockType"], posted["value"])
        prompts = [prompt for prompt in prompts if prompt.block_id not in answers]
    return prompts
