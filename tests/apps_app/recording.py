"""A `Runtime` over a list: plays an app in this thread against scripted answers and recorded steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NoReturn
from uuid import UUID

import orjson

from apps_app.dsl.runtime import Answers, Exited, Step, StepOutcome
from apps_app.events import Event
from apps_app.pending import Answer, PendingPrompt

SESSION_ID = UUID(int=1)


class RecordingRuntime:
    """Keeps the events; answers each prompt with the next value of `answers`, read as the server reads it.

    `recorded` is the outcomes of steps and notes by key, of an earlier run: they are given again.
    """

    def __init__(
        self, answers: Sequence[Any] = (), recorded: Mapping[str, StepOutcome] | None = None
    ) -> None:
        self.session_id = SESSION_ID
        self.answers = list(answers)
        self.recorded = dict(recorded or {})
        self.events: list[dict[str, Any]] = []
        self.asked: list[list[PendingPrompt]] = []
        self.steps: list[tuple[Step, StepOutcome]] = []
        self.abandoned: list[Step] = []
        self.notes: list[tuple[Step, bytes]] = []
        self.slept: list[float] = []
        self.failure = ""
        self._over = False
        self._counts: Counter[str] = Counter()
        self._step_count = 0

    def new_block(self, block_type: str) -> str:
        self._check()
        self._counts[block_type] += 1
        return f"{block_type}-{self._counts[block_type]}"

    def emit(self, event: Event) -> None:
        self._check()
        self.events.append(orjson.loads(event.to_json()))

    def ask(self, prompts: Sequence[PendingPrompt], closing: Event) -> Future[Answers]:
        self.emit(closing)
        self.asked.append(list(prompts))
        answers: dict[str, Answer] = {prompt.block_id: prompt.read(self.answers.pop(0)) for prompt in prompts}
        return _done(answers)

    def begin_step(self, name: str) -> Future[Step]:
        self._check()
        return _done(self._next_step(name))

    def end_step(self, step: Step, outcome: StepOutcome) -> Future[StepOutcome]:
        self._check()
        self.steps.append((step, outcome))
        self.recorded[step.key] = outcome
        return _done(outcome)

    def abandon_step(self, step: Step) -> None:
        self._check()
        self.abandoned.append(step)

    def note(self, name: str, make: Callable[[], bytes]) -> bytes:
        self._check()
        step = self._next_step(name)
        outcome = self.recorded.setdefault(step.key, step.outcome or StepOutcome(make()))
        self.notes.append((step, outcome.result))
        return outcome.result

    def sleep(self, seconds: float) -> Future[None]:
        self._check()
        self.slept.append(seconds)
        return _done(None)

    def finish(self, exit_event: Event, failure: str = "") -> NoReturn:
        self.emit(exit_event)
        self.failure = failure
        self._over = True
        raise Exited

    def _next_step(self, name: str) -> Step:
        self._step_count += 1
        key = f"0.{self._step_count}"
        return Step(key, name, self.recorded.get(key))

    def _check(self) -> None:
        if self._over:
            raise Exited


def _done(value: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future
