"""What an app's calls become: the `Runtime` that the author API talks to, over a session's log.

What the log has already is played from its recording, what is new goes to the journal. Once the
journal is refused the run is over and writes nothing more (invariant 1).
"""

from __future__ import annotations

import datetime
import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, NoReturn, Protocol

import orjson
from django.conf import settings

from apps_app.blocks import Exit
from apps_app.dsl.runtime import Answers, Diverged, Exited, SessionOver, Step, StepOutcome, Stopped
from apps_app.events import Event, encode_json, storable
from apps_app.pending import PendingPrompt
from sessions_app.claim import Claim
from sessions_app.exits import MAX_TEXT, ending, failed_exit
from sessions_app.journal import Journal, Settle
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, Status
from sessions_app.play import Play
from sessions_app.printing import Prints
from sessions_app.question import SLEEP, Nap, Question, uncancellable_future
from sessions_app.replay import MismatchError, shape_of, step_entry
from sessions_app.waiting import Waiting
from sessions_app.writes import NewEntry, Position

log = logging.getLogger(__name__)

LONGEST_ALARM_SECONDS = 60.0


class Clock(Protocol):
    """What a recorder needs of the runner around it."""

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call so many seconds from now, in whatever thread."""

    def wait_ends_at(self, app_id: str) -> datetime.datetime | None:
        """When a wait of this app's that begins now has lasted for too long."""


class Recorder(Play):
    """The app's own thread or task, its other tasks, and the threads of its steps call this."""

    def __init__(self, claim: Claim, writer: LogWriter, prints: Prints, clock: Clock) -> None:
        super().__init__(claim.session_id, Waiting(claim.position.last_seq))
        self.claim = claim
        self.prints = prints
        self.refusal: Exception | None = None  # why the log took no more, if it did
        self.code_hash = claim.code_hash  # of the file that is played
        self.has_left = False  # the app's function
        self._clock = clock
        self._journal = Journal(claim.session_id, claim.position, writer, self._refused)
        self._acquitted = {"is_suspect": False, "deaths": 0} if claim.is_suspect else {}

    @property
    def over(self) -> type[SessionOver] | None:
        return self.waiting.over

    @abstractmethod
    def _has_come_to_wait(self) -> None:
        """The log says so now; called in the writer's thread."""

    def emit(self, event: Event) -> None:
        self.waiting.check_over()
        key = self._steps.current()
        if key:
            event = self._numbering.next_chunk(event, self._recording.highest(event.block_id))
            self._steps.shown(key).add_chunk(event.block_id, event.chunk_id)
        else:
            self._check_own(event.data.block_type)
            event = self._numbering.next_chunk(event)
            if self._is_recorded(event):
                return
        entry = NewEntry(Kind.EVENT, event.to_json(), key)
        self._journal.count(entry.payload)
        self._check_limits(event.app_name)
        self._journal.append(entry)

    def ask(self, prompts: Sequence[PendingPrompt], closing: Event) -> Future[Answers]:
        self.waiting.check_over()
        self._check_own(closing.data.block_type)
        # Judged here as they are stored, so that an answer is read as the web process has judged it.
        pending = orjson.loads(encode_json([prompt.model_dump(exclude_none=True) for prompt in prompts]))
        question = Question([PendingPrompt.model_validate(prompt) for prompt in pending])
        entries = [] if self._is_recorded(closing) else [_closing_entry(closing)]
        with self._diverging():
            self._recording.play_question(question)
        if not question.missing:
            question.future.set_result(question.answers)
            return question.future
        self.waiting.begin(question)
        self._wait_in_log(
            entries,
            pending=[prompt for prompt in pending if prompt["block_id"] in question.missing],
            wait_ends_at=self._clock.wait_ends_at(self.claim.app_id),
        )
        self.prints.save()  # behind the question, which does not wait for it
        return question.future

    def begin_step(self, name: str) -> Future[Step]:
        self.waiting.check_over()
        self._check_limits(self.claim.app_id)
        key = self._next_key()
        future: Future[Step] = Future()
        if recorded := self._recorded_step(key, name):
            if recorded.outcome is not None:
                future.set_result(Step(key, name, recorded.outcome))
            return future  # the app had given it up: so it does again
        step = Step(key, name)
        self._steps.begin(key)
        # A task that is cancelled while it waits cancels this, and gives up the step.
        future.add_done_callback(lambda done: self.abandon_step(step) if done.cancelled() else None)

        def settle(outcome: Position | Exception) -> None:
            if not future.set_running_or_notify_cancel():
                return
            if self.over is not None:
                future.set_exception(self.over())
            else:
                future.set_result(step)

        # An update without entries: what came before is durable, and the session is still ours.
        self._journal.put(settle=settle)
        return future

    def end_step(self, step: Step, outcome: StepOutcome) -> Future[StepOutcome]:
        self.waiting.check_over()
        future: Future[StepOutcome] = uncancellable_future()

        def settle(position: Position | Exception) -> None:
            if isinstance(position, Exception):
                future.set_exception(Stopped())
            else:
                future.set_result(outcome)

        self._record(step_entry(step.key, step.name, self._steps.end(step.key), outcome), settle)
        return future

    def abandon_step(self, step: Step) -> None:
        if self.over is None:
            self._record(step_entry(step.key, step.name, self._steps.end(step.key)))

    def note(self, name: str, make: Callable[[], bytes]) -> bytes:
        self.waiting.check_over()
        self._check_limits(self.claim.app_id)
        return self._noted(self._next_key(), name, make)

    def sleep(self, seconds: float) -> Future[None]:
        self.waiting.check_over()
        key = self._next_key()
        nap = Nap.of(seconds)
        if (recorded := self._recorded_step(key, SLEEP)) is None:
            self._record(step_entry(key, SLEEP, {}, StepOutcome(nap.to_json())))
        elif recorded.outcome is None:
            return Future()  # the app had given it up: so it does again
        else:
            nap = Nap.from_json(recorded.outcome.result)
        nap.future.add_done_callback(lambda done: self._give_up_nap(nap, key) if done.cancelled() else None)
        if nap.seconds_left <= 0:
            nap.end()
        elif self._is_own() and not self._steps.are_under_way:
            self.waiting.begin(nap)
            self._wait_in_log([], pending=[], wake_at=nap.until, wait_ends_at=None)
            self._set_alarm(nap)
        else:  # one of several things under way: the session does not wait for it alone
            self._steps.begin(key)
            self._clock.later(nap.seconds_left, partial(self._end_nap, nap, key))
        return nap.future

    def finish(self, exit_event: Event, failure: str = "") -> NoReturn:
        self.waiting.check_over()
        with self._diverging(failure):
            self._recording.check_played(shape_of(exit_event).account())
        self._end(exit_event, failure)
        raise Exited

    # Within: what is recorded.

    def _is_recorded(self, event: Event) -> bool:
        if self._recording.is_over:
            return False
        with self._diverging():
            return self._recording.play_event(event)

    def _diverge(self, mismatch: MismatchError, failure: str = "") -> NoReturn:
        self.waiting.end(Diverged)
        log.warning("Session %s diverges. %s", self.session_id, mismatch)
        changes = {
            "status": Status.DIVERGED,
            "divergence": mismatch.divergence,
            "failure": storable(failure[:MAX_TEXT]),
            "pending": [],
            "owner": "",
            "wake_at": None,
            **self._acquitted,
        }
        self._journal.put(changes=changes, waits=False, raise_epoch=True)
        raise Diverged from mismatch

    # Within: what is new.

    def _noted(self, key: str, name: str, make: Callable[[], bytes]) -> bytes:
        recorded = self._recorded_step(key, name)
        if recorded is not None and recorded.outcome is not None:
            return recorded.outcome.result
        value = make()
        self._record(step_entry(key, name, {}, StepOutcome(value)))
        return value

    def _wait_in_log(self, entries: Sequence[NewEntry], **changes: Any) -> None:
        for entry in entries:
            self._journal.count(entry.payload)
        self._check_limits(self.claim.app_id)
        changes |= {"status": Status.WAITING, **self._acquitted}
        if self.code_hash != self.claim.code_hash:
            changes["code_hash"] = self.code_hash  # the recorded beginning matches
        self._journal.put(entries, changes, self._waits)

    def _waits(self, outcome: Position | Exception) -> None:
        if not isinstance(outcome, Exception):
            # Nothing but an answer comes after a question.
            self.waiting.read_seq = max(self.waiting.read_seq, outcome.last_seq)
            self._has_come_to_wait()

    def _set_alarm(self, nap: Nap) -> None:
        # Not for longer: an alarm keeps the run, parked or not. The sweep wakes who sleeps on.
        if nap.seconds_left < LONGEST_ALARM_SECONDS:
            self._clock.later(nap.seconds_left, partial(self._wake, nap))

    def _wake(self, nap: Nap) -> None:
        if self.waiting.wake(nap):
            changes = {"status": Status.RUNNING, "wake_at": None}
            self._journal.put(changes=changes, settle=partial(self._woken, nap), waits=False)

    def _woken(self, nap: Nap, outcome: Position | Exception) -> None:
        nap.end(Stopped() if isinstance(outcome, Exception) else None)

    def _end_nap(self, nap: Nap, key: str) -> None:
        self._steps.end(key)
        nap.end()

    def _give_up_nap(self, nap: Nap, key: str) -> None:
        """The app has cancelled it; a run that is over has not."""
        self._steps.end(key)
        if self.over is None:
            self._record(step_entry(key, SLEEP, {}))
            self._wake(nap)

    def _record(self, entry: NewEntry, settle: Settle | None = None) -> None:
        """Write what is not shown; the limits are looked at when the app goes on."""
        self._journal.count(entry.payload)
        self._journal.put((entry,), settle=settle)

    def _end(self, exit_event: Event, failure: str = "") -> None:
        self.waiting.end(Exited)
        data = exit_event.data
        if failure and settings.DEBUG and isinstance(data, Exit):
            data.return_value = failure
        write = ending(self.session_id, self._journal.where, exit_event, failure=failure)
        self._journal.put_write(write, waits=False)

    def _refused(self, error: Exception) -> None:
        self.refusal = error
        self.waiting.leave(Stopped)

    def _check_limits(self, app_name: str) -> None:
        """End the session here if its app writes without end; even a bare `except:` does not get past it."""
        if problem := self._journal.problem:
            self._end(failed_exit(app_name, "LimitExceeded", problem))
            raise Exited


def _closing_entry(closing: Event) -> NewEntry:
    return NewEntry(Kind.EVENT, closing.to_json(), closes_turn=True)
