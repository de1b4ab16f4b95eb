"""How a session has to go: its app played here, on a list instead of a server, with answers by chance.

What this gives is the story of an uninterrupted session, to which the interrupted ones are held.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from django.test import override_settings

from apps_app import discovery
from apps_app.dsl.app import aplay, play
from apps_app.dsl.runtime import Answers, Exited
from apps_app.events import Event
from apps_app.pending import PendingPrompt
from tests.apps_app.recording import RecordingRuntime

APPS = Path(__file__).parent / "apps"
APP_IDS = [
    "talk.talk",
    "talk.atalk",
    "forms.survey",
    "forms.asurvey",
    "shop.shop",
    "crowd.crowd",
    "nest.nest",
    "rest.rest",
]


class Asked(NamedTuple):
    """A prompt, and how it will be answered."""

    prompt: PendingPrompt
    value: Any


Question = list[Asked]


@dataclass(frozen=True)
class Plot:
    """What a session of the app shows and asks, from its start to its exit."""

    app_id: str
    questions: list[Question]
    events: list[dict[str, Any]]


class Improviser(RecordingRuntime):
    """Answers each prompt with something that fits; its texts hold `name`, which tells sessions apart."""

    def __init__(self, name: str, chance: Random) -> None:
        super().__init__()
        self._name = name
        self.questions: list[Question] = []
        self._chance = chance

    def ask(self, prompts: Sequence[PendingPrompt], closing: Event) -> Future[Answers]:
        question = [Asked(prompt, self._answer(prompt)) for prompt in prompts]
        self.questions.append(question)
        self.answers += [asked.value for asked in question]
        return super().ask(prompts, closing)

    def _answer(self, prompt: PendingPrompt) -> Any:
        match prompt.block_type:
            case "slider":
                return round(self._chance.uniform(prompt.min_value or 0.0, prompt.max_value or 0.0), 2)
            case "buttons":
                return self._chance.choice(prompt.options or [])
            case "date":
                return f"2026-{self._chance.randint(1, 12):02}-{self._chance.randint(1, 28):02}"
            case _:
                return f"{self._name} é{self._chance.randint(0, 999)}"


def install() -> None:
    """Make the harness's apps loadable in this process."""
    with override_settings(YERA_APPS_DIRS=str(APPS)):
        discovery.install_author_api()


async def plot(app_id: str, name: str, chance: Random) -> Plot:
    """Play the app once. It ends with its exit, whatever its app does."""
    module, _, function = app_id.partition(".")
    app = discovery.load(f"{APPS / module}.py:{function}", app_id)
    runtime = Improviser(name, chance)
    with suppress(Exited):
        if app.is_async:
            await aplay(app, runtime)
        else:
            play(app, runtime)
    return Plot(app_id, runtime.questions, runtime.events)
