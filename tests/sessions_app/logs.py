"""Logs made by hand, entry by entry, for what reads them."""

from __future__ import annotations

import json
from typing import Any

from apps_app.blocks import Markdown
from apps_app.dsl.runtime import StepOutcome
from apps_app.events import Event
from sessions_app.log_reading import RecordedEntry
from sessions_app.models import Kind
from sessions_app.replay import step_entry
from tests.sessions_app.playing import APP_ID


def markdown(text: str = "", number: int = 1, chunk: int = 1, **fields: Any) -> Event:
    return Event(f"markdown-{number}", chunk, Markdown(content=text), **{"app_name": APP_ID, **fields})


def log(*entries: tuple[Kind, str, bytes]) -> list[RecordedEntry]:
    return [RecordedEntry(seq, kind, step, payload) for seq, (kind, step, payload) in enumerate(entries, 1)]


def shown(event: Event) -> tuple[Kind, str, bytes]:
    return Kind.EVENT, "", event.to_json()


def in_step(key: str = "0.1") -> tuple[Kind, str, bytes]:
    return Kind.EVENT, key, b""


def step(
    outcome: StepOutcome | None = None, key: str = "0.1", name: str = "pay", **highest: int
) -> tuple[Kind, str, bytes]:
    entry = step_entry(key, name, highest, outcome)
    return Kind.STEP, entry.step, entry.payload


def answer(block_id: str, value: Any) -> tuple[Kind, str, bytes]:
    payload = json.dumps({"blockId": block_id, "value": value, "blockType": "text"})
    return Kind.INTERACTION, "", payload.encode()


def retract(first: int, last: int) -> tuple[Kind, str, bytes]:
    return Kind.RETRACT, "", json.dumps({"from_seq": first, "to_seq": last}).encode()
