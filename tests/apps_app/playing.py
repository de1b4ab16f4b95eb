"""Playing an app to its exit in a test."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import pytest

from apps_app.dsl.app import App, aplay, app, play
from apps_app.dsl.runtime import Exited, StepOutcome
from tests.apps_app.recording import RecordingRuntime

T = TypeVar("T", bound=RecordingRuntime)


class Played(RecordingRuntime):
    """A run that has come to its exit, and what a test asks of it."""

    def data(self, block_type: str) -> list[dict[str, Any]]:
        """The data of the chunks of this block type, in order."""
        return [event["data"] for event in self.events if event["block_type"] == block_type]

    def shapes(self) -> list[tuple[str, int, str | None]]:
        """Block id, chunk id and parent of all events before the exit."""
        return [(e["block_id"], e["chunk_id"], e["parent_block_id"]) for e in self.events[:-1]]

    def block_ids(self) -> list[str]:
        """Of all events before the exit."""
        return [block_id for block_id, *_ in self.shapes()]

    @property
    def exit(self) -> dict[str, Any]:
        assert [e["block_type"] for e in self.events].index("exit") == len(self.events) - 1
        return self.events[-1]["data"]

    @property
    def returned(self) -> str:
        """The return value of a run that must have succeeded."""
        assert self.exit["exit_code"] == 0, self.failure
        return self.exit["return_value"]


def played(function: Any, *answers: Any, recorded: Mapping[str, StepOutcome] | None = None) -> Played:
    """Plays an app, or a function as an app, against the answers and what is recorded, to its exit."""
    return played_by(Played(answers, recorded), function)


def played_by(runtime: T, function: Any) -> T:
    """Has this runtime play an app, or a function as an app, to its exit."""
    played_app = function if isinstance(function, App) else app(model=False)(function)
    with pytest.raises(Exited):
        if played_app.is_async:
            asyncio.run(aplay(played_app, runtime))
        else:
            play(played_app, runtime)
    return runtime
