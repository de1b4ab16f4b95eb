"""One run of an app over its session's log: the `Runtime` that the author API talks to.

Every write goes under the run's epoch; once one is refused the run is over and writes nothing
more (invariant 1).
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

import orjson
from django.conf import settings

from apps_app.blocks import Exit
from apps_app.dsl.runtime import (
    Answers,
    Exited,
    SessionOver,
    Step,
    StepOutcome,
    Stopped,
    UsageError,
)
from apps_app.events import Event, encode_json
from apps_app.pending import PendingPrompt
from sessions_app.conf import conf
from sessions_app.exits import EXIT_BLOCK_ID, ending, failed_exit
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, Status
from sessions_app.printing import Prints
from sessions_app.question import Question, uncancellable_future
from sessions_app.steps import Steps
from sessions_app.writes import NewEntry, Position, Write


@dataclass(frozen=True, slots=True)
class Claim:
    """A session that this process has taken up, and where its row stood then."""

    session_id: UUID
    app_id: str
    entry_point: str
    position: Position


class Run:
    """A hot run. Its app's thread or task calls the Runtime's methods; the runner delivers and stops."""

    def __init__(self, claim: Claim, writer: LogWriter, prints: Prints) -> None:
        self.claim = claim
        self.prints = prints
        self.session_id = claim.session_id
        self.read_seq = claim.position.last_seq  # interactions up to here are no answers any more
        self._writer = writer
        self._where = {"epoch": claim.position.epoch}
        self._lock = threading.Lock()
        self._over: type[SessionOver] | None = None
        self._question: Question | None = None
        self._counts: Counter[str] = Counter()
        self._steps = Steps()
        self._turn_entries = 0
        self._bytes = claim.position.log_bytes
        self._max_entries = conf.max_turn_entries
        self._max_bytes = conf.max_session_bytes
        self.refusal: Exception | None = None  # why the log took no more, if it did
        self.thread: threading.Thread | None = None
        self.task: asyncio.Task[Any] | None = None

    # What the runner does with a run.

    @property
    def over(self) -> type[SessionOver] | None:
        return self._over

    @property
    def is_alive(self) -> bool:
        """Whether the app's function still runs, over or not."""
        if self.task is not None:
            return not self.task.done()
        return self.thread is not None and self.thread.is_alive()

    @property
    def is_waiting(self) -> bool:
        return self._question is not None

    def is_next(self, interaction: Entry) -> bool:
        """Whether nothing can have been recorded between what the run knows of and this interaction."""
        return interaction.seq == self.read_seq + 1

    def deliver(self, interactions: Sequence[Entry]) -> None:
        """Hand over recorded interactions that the run has not read yet, in order."""
        for interaction in interactions:
            with self._lock:
                question = self._question
                if question is None or interaction.seq <= self.read_seq:
                    continue
                self.read_seq = interaction.seq
                self._bytes += len(interaction.payload)
                complete = question.take(interaction)
                if complete:
                    self._question = None
                    self._turn_entries = 0
            if complete:
                question.future.set_result(question.answers)

    def stop(self) -> None:
        """The session goes on or has ended without this run: whatever it calls next raises Stopped."""
        with self._lock:
            self._over = self._over or Stopped
            question, self._question = self._question, None
        if question is not None:
            question.future.set_exception(Stopped())

    def fail(self, exit_event: Event, failure: str) -> None:
        """End the session as failed, in the server's name; a run that is over already stays as it is."""
        with suppress(SessionOver):
            self._end(exit_event, failure)
        with self._lock:
            question, self._question = self._question, None
        if question is not None:
            question.future.set_exception(Exited())

    # The Runtime.

    def new_block(self, block_type: str) -> str:
        self._check_over()
        if block_type == Exit.block_type:
            return EXIT_BLOCK_ID  # there is one, and it may come from anywhere
        if not self._steps.current_key():
            self._check_own(block_type)
        with self._lock:  # a step may have threads
            self._steps.count_block(block_type)
            self._counts[block_type] += 1
            return f"{block_type}-{self._counts[block_type]}"

    def emit(self, event: Event) -> None:
        self._check_over()
        key = self._steps.current_key()
        if not key:
            self._check_own(event.data.block_type)
        self._append(event, NewEntry(Kind.EVENT, event.to_json(), key))

    def ask(self, prompts: Sequence[PendingPrompt], closing: Event) -> Future[Answers]:
        self._check_over()
        self._check_own(closing.data.block_type)
        # Judged here as they are stored, so that an answer is read as the web process has judged it.
        pending = orjson.loads(encode_json([prompt.model_dump(exclude_none=True) for prompt in prompts]))
        question = Question([PendingPrompt.model_validate(prompt) for prompt in pending])
        with self._lock:
            self._question = question
        entry = NewEntry(Kind.EVENT, closing.to_json(), closes_turn=True)
        self._append(closing, entry, {"status": Status.WAITING, "pending": pending}, self._asked)
        self.prints.save()  # behind the question, which does not wait for it
        self._check_over()  # a stop that came before the question was set has not seen it
        return question.future

    def begin_step(self, name: str) -> Future[Step]:
        self._check_over()
        self._check_limits(self.claim.app_id)
        task = _current_task()
        step = self._steps.begin(name, None if task is self.task else task)
        future: Future[Step] = Future()
        # A task that is cancelled while it waits cancels this, and gives up the step.
        future.add_done_callback(lambda done: self._steps.end(step) if done.cancelled() else None)

        def settle(outcome: Position | Exception) -> None:
            self._settle(outcome)
            if not future.set_running_or_notify_cancel():
                return
            if isinstance(outcome, Exception):
                future.set_exception(Stopped())
            else:
                future.set_result(step)

        # An update without entries: what came before is durable, and the session is still ours.
        self._writer.put(Write(self.session_id, self._where), settle)
        return future

    def end_step(self, step: Step, outcome: StepOutcome) -> Future[StepOutcome]:
        self._check_over()
        made = self._steps.end(step)
        record = {"name": step.name, "error": outcome.error, "blocks": made}
        payload = encode_json({**record, "result": orjson.Fragment(outcome.result)})
        self._count(payload)
        entry = NewEntry(Kind.STEP, payload, step.key)
        future: Future[StepOutcome] = uncancellable_future()

        def settle(position: Position | Exception) -> None:
            self._settle(position)
            if isinstance(position, Exception):
                future.set_exception(Stopped())
            else:
                future.set_result(outcome)

        self._writer.put(Write(self.session_id, self._where, [entry]), settle)
        return future

    def abandon_step(self, step: Step) -> None:
        self._steps.end(step)

    def finish(self, exit_event: Event, failure: str = "") -> NoReturn:
        self._check_over()
        self._end(exit_event, failure)
        raise Exited

    # Within.

    def _check_over(self) -> None:
        if self._over is not None:
            raise self._over

    def _check_own(self, block_type: str) -> None:
        """Only in the app's own thread or task, and between steps, is the order of events the app's."""
        own = threading.current_thread() is self.thread if self.task is None else _current_task() is self.task
        if not own:
            raise UsageError(
                f"A {block_type} can be shown by the app's own task only. Elsewhere, show it inside a step."
            )
        if self._steps.are_under_way:
            raise UsageError(f"A {block_type} was shown while a step is under way. Await the step first.")
        if (question := self._question) is not None:
            asked = ", ".join(question.missing)
            raise UsageError(f"A {block_type} was shown while {asked} still waits for its answer.")

    def _append(
        self,
        event: Event,
        entry: NewEntry,
        changes: dict[str, Any] | None = None,
        settle: Callable[[Position | Exception], None] | None = None,
    ) -> None:
        self._count(entry.payload)
        self._check_limits(event.app_name)
        write = Write(self.session_id, self._where, (entry,), changes or {})
        self._writer.put(write, settle or self._settle)

    def _count(self, payload: bytes) -> None:
        self._turn_entries += 1
        self._bytes += len(payload)

    def _check_limits(self, app_name: str) -> None:
        """End the session here if its app writes without end; even a bare `except:` does not get past it."""
        if self._turn_entries > self._max_entries:
            problem = f"The app wrote more than {self._max_entries} log entries in one turn."
        elif self._bytes > self._max_bytes:
            problem = f"The session's log grew beyond {self._max_bytes} bytes."
        else:
            return
        self.finish(failed_exit(app_name, "LimitExceeded", problem))

    def _end(self, exit_event: Event, failure: str) -> None:
        with self._lock:
            self._check_over()
            self._over = Exited
        data = exit_event.data
        if failure and settings.DEBUG and isinstance(data, Exit):
            data.return_value = failure
        write = ending(self.session_id, self._where, exit_event, failure=failure)
        self._writer.put(write, self._settle, waits=False)

    def _settle(self, outcome: Position | Exception) -> None:
        if isinstance(outcome, Exception):
            self.refusal = outcome
            self.stop()

    def _asked(self, outcome: Position | Exception) -> None:
        self._settle(outcome)
        if not isinstance(outcome, Exception):
            with self._lock:  # nothing but an answer comes after the question
                self.read_seq = max(self.read_seq, outcome.last_seq)


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop in this thread
        return None
