"""Verifying a session: today's code is played against what is recorded, and nothing is written or done.

The rules are those of any replay (invariant 6). Steps give what is recorded of them; one without a
result is never run.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import redirect_stdout, suppress
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from django.db import connection

from apps_app import discovery
from apps_app.child import ChildError, in_child
from apps_app.discovery import AppLoadError
from apps_app.dsl.app import App, aplay, play
from apps_app.dsl.runtime import Answers, Diverged, SessionOver, Step, StepOutcome, Stopped
from apps_app.events import Event
from apps_app.pending import PendingPrompt
from sessions_app import log_reading
from sessions_app.app_tasks import guarded_task
from sessions_app.checked_recording import CheckedRecording
from sessions_app.log_reading import RecordedEntry
from sessions_app.models import Session
from sessions_app.play import Play
from sessions_app.question import SLEEP, Nap, Question
from sessions_app.replay import Account, MismatchError
from sessions_app.steps import current_branch
from sessions_app.verdict import Verdict
from sessions_app.waiting import Waiting

REPORT_SECONDS = 5.0  # a child process that does not report its own timeout is stuck in C


class Subject(NamedTuple):
    """What is verified: a session as it is recorded, and the app that is to do the same."""

    session_id: UUID
    app_id: str
    entry_point: str
    code_hash: str
    entries: list[RecordedEntry]
    seconds: float


def verify(session: Session, seconds: float) -> Verdict:
    """Play a session in a child process, which the app may crash or hang: it has so many seconds.

    Forks: call it where no other threads run.
    """
    subject = read_subject(session, seconds)
    connection.close()  # the child would share it
    try:
        return in_child(verdict_on, subject, seconds + REPORT_SECONDS)
    except ChildError as error:
        mismatch = CheckedRecording(subject.entries).end({"kind": "error", "error": f"The app {error}"})
        return Verdict(session.id, len(subject.entries), mismatch.divergence)


def read_subject(session: Session, seconds: float) -> Subject:
    """All that playing the session needs of the database."""
    entries = list(log_reading.read_recorded(session.id, session.last_seq))
    app = session.app
    return Subject(session.id, app.id, app.entry_point, session.code_hash, entries, seconds)


def verdict_on(subject: Subject) -> Verdict:
    """Play in this process; what hangs is left running in its thread."""
    recording = CheckedRecording(subject.entries)
    verification = Verification(subject.session_id, recording)
    with redirect_stdout(sys.stderr):  # what an app prints is no part of the caller's output
        verification.play(subject)
    mismatch = verification.mismatch
    return Verdict(
        subject.session_id,
        len(subject.entries),
        mismatch.divergence if mismatch else None,
        verification.failure,
        recording.differences,
        recording.differing,
        bool(subject.code_hash and verification.code_hash) and subject.code_hash != verification.code_hash,
    )


class Verification(Play):
    """The Runtime of an app that does once more what is recorded; it ends where that does.

    `mismatch` is where the app did something else, None if it did not; `failure` a traceback.
    """

    def __init__(self, session_id: UUID, recording: CheckedRecording) -> None:
        super().__init__(session_id, Waiting(0))
        self._recording: CheckedRecording = recording
        recording.own = self.branch
        self.mismatch: MismatchError | None = None
        self.failure = ""
        self.code_hash = ""
        self._ended = threading.Event()

    def play(self, subject: Subject) -> None:
        """Come to the end of what is recorded, to a mismatch, or to the end of the time there is."""
        self.thread = threading.Thread(target=self._play, args=(subject,), daemon=True)
        self.thread.start()
        if not self._ended.wait(subject.seconds):
            self._give_up({"kind": "nothing", "seconds": subject.seconds}, self.thread)
            self._ended.wait()  # it may have come to an end just now

    # The Runtime.

    def emit(self, event: Event) -> None:
        self.waiting.check_over()
        self._check_own(event.data.block_type)
        with self._diverging():
            self._recording.play_event(self._numbering.next_chunk(event))
        self._go_on()

    def ask(self, prompts: Sequence[PendingPrompt], closing: Event) -> Future[Answers]:
        self.waiting.check_over()
        self._check_own(closing.data.block_type)
        question = Question(prompts)
        with self._diverging():
            self._recording.play_event(closing)
            self._recording.play_question(question)
        self._go_on()
        if question.missing:
            self.waiting.begin(question)
        else:
            question.future.set_result(question.answers)
        return question.future

    def begin_step(self, name: str) -> Future[Step]:
        self.waiting.check_over()
        key = self._next_key()
        future: Future[Step] = Future()
        recorded = self._recorded_step(key, name)
        if recorded is None and self._recording.may_end_in_step:
            self._end()
        if recorded is not None and recorded.outcome is not None:
            future.set_result(Step(key, name, recorded.outcome))
        self._go_on()
        return future  # what has no result is waited for, while other tasks play on

    def end_step(self, step: Step, outcome: StepOutcome) -> NoReturn:
        raise NotImplementedError(f"Step {step.key} was run, though nothing is to be done.")

    def abandon_step(self, step: Step) -> None:
        """There is nothing to give up: no step is under way."""

    def note(self, name: str, make: Callable[[], bytes]) -> bytes:
        self.waiting.check_over()
        recorded = self._recorded_step(self._next_key(), name)
        self._go_on()
        return make() if recorded is None or recorded.outcome is None else recorded.outcome.result

    def sleep(self, seconds: float) -> Future[None]:
        self.waiting.check_over()
        nap = Nap.of(seconds)
        recorded = self._recorded_step(self._next_key(), SLEEP)
        if recorded is not None and recorded.outcome is not None:
            nap = Nap.from_json(recorded.outcome.result)
        self._go_on()
        if nap.seconds_left <= 0:
            nap.future.set_result(None)
        return nap.future

    def finish(self, exit_event: Event, failure: str = "") -> NoReturn:
        self.waiting.check_over()
        with self._diverging(failure):
            self._recording.play_exit(exit_event)
        self._end()

    # Within.

    def _play(self, subject: Subject) -> None:
        """In a thread of its own: load, then play here, or an async app in an event loop of this thread."""
        try:
            app = self._loaded(subject)
            self._go_on()
            if app.is_async:
                with asyncio.Runner() as runner:
                    runner.run(self._aplay(app))
            else:
                play(app, self)
        except SessionOver:
            pass
        except AppLoadError as error:
            self._end_with({"kind": "load", "error": str(error)}, error.details)
        except BaseException as error:  # whatever it is, it is the app's: this thread does nothing else
            message = traceback.format_exception_only(error)[-1].strip()
            self._end_with({"kind": "error", "error": message}, traceback.format_exc())

    def _loaded(self, subject: Subject) -> App[..., Any]:
        discovery.install_author_api()
        self.code_hash = discovery.code_hash(subject.entry_point)
        return discovery.load(subject.entry_point, subject.app_id)

    async def _aplay(self, app: App[..., Any]) -> None:
        asyncio.get_running_loop().set_task_factory(guarded_task)
        self.task = asyncio.current_task()
        current_branch.set(self.branch)
        await aplay(app, self)

    def _go_on(self) -> None:
        """All that is recorded has been played: whatever the app does next is new."""
        if self._recording.is_over:
            self._end()

    def _end(self) -> NoReturn:
        self.waiting.end(Stopped)
        self._ended.set()
        raise Stopped

    def _end_with(self, problem: Account, failure: str) -> None:
        with suppress(SessionOver):
            self._diverge(self._recording.end(problem), failure)

    def _give_up(self, problem: Account, thread: threading.Thread) -> None:
        with suppress(SessionOver), self._diverging(_stack(thread)):
            self._recording.check_played(problem)
            raise self._recording.end(problem)

    def _diverge(self, mismatch: MismatchError, failure: str = "") -> NoReturn:
        self.waiting.end(Diverged)
        self.mismatch, self.failure = mismatch, failure
        self._ended.set()
        raise Diverged from mismatch


def _stack(thread: threading.Thread) -> str:
    """Where a thread is now."""
    frame = sys._current_frames().get(thread.ident or 0)
    return "".join(traceback.format_stack(frame)) if frame is not None else ""
