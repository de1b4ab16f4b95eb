"""Apps written for `yera` 0.4 stream here what a real `yera` 0.4 server streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.client import SessionClient
from tests.server import ROOT

FOLDER = ROOT / "tests" / "conformance"
SCRIPTS = json.loads((FOLDER / "answers.json").read_text())
CASES = [(name, number) for name, scripts in SCRIPTS.items() for number in range(len(scripts))]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_transcript(client: SessionClient, name: str, number: int) -> None:
    script = SCRIPTS[name][number]
    recorded = json.loads((FOLDER / "transcripts" / f"{name}.{number}.json").read_text())
    assert list(map(comparable, play(client, script))) == list(map(comparable, recorded))


def play(client: SessionClient, script: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of a session played as old clients do: a new stream after the answers of each pause."""
    session = client.create(script["app_id"])
    answers = iter(script["answers"])
    while True:
        events = client.events(session)
        yield from events
        if events[-1]["block_type"] == "exit":
            return
        answer_pause(client, session, events, next(answers))


def answer_pause(client: SessionClient, session: str, events: list[dict[str, Any]], answer: Any) -> None:
    prompts = [event for event in events if event["event_class"] == "prompt"]
    if not isinstance(answer, list):
        client.answer(session, prompts[-1]["block_id"], answer, prompts[-1]["block_type"])
        return
    how, values = answer
    layout = events[-1]["block_id"]
    inside = [prompt for prompt in prompts if prompt["parent_block_id"] == layout]
    if how == "each":
        for prompt, value in zip(inside, values, strict=True):
            client.answer(session, prompt["block_id"], value, prompt["block_type"])
        return
    fields = [
        {"sub_block_id": prompt["block_id"], "sub_block_type": prompt["block_type"], "value": value}
        for prompt, value in zip(inside, values, strict=True)
    ]
    client.answer(session, layout, fields, "form")


def comparable(event: dict[str, Any]) -> dict[str, Any]:
    """An event without what may differ between two servers."""
    data = dict(event["data"])
    if event["block_type"] == "exit":
        del data["reason"]
        if data.get("error_cause", {}).get("error_type", "unknown") != "unknown":
            del data["return_value"]  # a traceback
    return {**event, "data": data, "timestamp": None}
