"""What the tests of a run put into it and read out of its log."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

from apps_app.blocks import Exit, InputRequest, Markdown
from apps_app.dsl.runtime import Step, step_key
from apps_app.events import Event
from apps_app.pending import PendingPrompt
from sessions_app.models import Session
from sessions_app.run import Run
from tests.sessions_app.playing import APP_ID, entries

SECONDS = 20.0
TEXT = PendingPrompt(block_id="input_request-1", block_type="input_request")
SLIDER = PendingPrompt(block_id="slider-1", block_type="slider", min_value=0.0, max_value=9.0)

NewRun = Callable[..., Run]


def markdown(text: str, block_id: str = "markdown-1") -> Event:
    return Event(block_id, 1, Markdown(content=text), APP_ID)


def prompt() -> Event:
    return Event("input_request-1", 1, InputRequest(), APP_ID)


def success() -> Event:
    data = Exit(exit_code=0, reason=None, return_type="NoneType", return_value="None")
    return Event("exit-1", 1, data, APP_ID)


def row(run: Run) -> Session:
    return Session.objects.get(id=run.session_id)


def kinds(run: Run) -> list[str]:
    return [entry.kind for entry in entries(run.session_id)]


def in_step(step: Step, call: Callable[[], Any]) -> Any:
    """Call as from a step's code."""

    def inside() -> Any:
        step_key.set(step.key)
        return call()

    return contextvars.copy_context().run(inside)
