"""One play of an app's function against its session's log: what runs and verifications have in common."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from uuid import UUID

from apps_app.blocks import Exit
from apps_app.dsl.runtime import UsageError
from sessions_app.exits import EXIT_BLOCK_ID
from sessions_app.numbering import Numbering
from sessions_app.question import Question
from sessions_app.replay import MismatchError, RecordedStep, Recording
from sessions_app.steps import Branch, Steps, current_branch
from sessions_app.waiting import Waiting


class Play(ABC):
    """`thread`, or `task` of an async app, is the app's own: there alone the order of things is the app's."""

    def __init__(self, session_id: UUID, waiting: Waiting) -> None:
        self.session_id = session_id
        self.thread: threading.Thread | None = None
        self.task: asyncio.Task[Any] | None = None
        self.branch = Branch()
        self.waiting = waiting
        self._recording = Recording([])  # what is still to be played again
        self._numbering = Numbering()
        self._steps = Steps()

    def new_block(self, block_type: str) -> str:
        self.waiting.check_over()
        if block_type == Exit.block_type:
            return EXIT_BLOCK_ID  # there is one, and it may come from anywhere
        key = self._steps.current()
        if key:
            shown, still_recorded = self._steps.shown(key), self._recording.highest(block_type)
            return self._numbering.next_block(block_type, shown, still_recorded)
        self._check_own(block_type)
        return self._numbering.next_block(
            block_type, still_recorded=self._recording.highest_of_tasks(block_type)
        )

    # What is recorded.

    def _recorded_step(self, key: str, name: str) -> RecordedStep | None:
        with self._diverging():
            recorded = self._recording.play_step(key, name)
        if recorded is not None:
            self._numbering.pass_over(recorded.highest)
        return recorded

    @contextmanager
    def _diverging(self, failure: str = "") -> Iterator[None]:
        try:
            yield
        except MismatchError as mismatch:
            self._diverge(mismatch, failure)

    @abstractmethod
    def _diverge(self, mismatch: MismatchError, failure: str = "") -> NoReturn:
        """The app does something else than what is recorded: raises SessionOver."""

    # What is not allowed.

    def _is_own(self) -> bool:
        """Whether this code runs in the app's own thread or task."""
        if self.task is not None:
            return _current_task() is self.task
        return threading.current_thread() is self.thread

    def _check_own(self, block_type: str) -> None:
        """And only between steps."""
        if not self._is_own():
            raise UsageError(
                f"A {block_type} can be shown by the app's own task only. Elsewhere, show it inside a step."
            )
        if self._steps.are_under_way:
            raise UsageError(f"A {block_type} was shown while a step is under way. Await the step first.")
        if isinstance(question := self.waiting.wait, Question):
            asked = ", ".join(question.missing)
            raise UsageError(f"A {block_type} was shown while {asked} still waits for its answer.")

    def _next_key(self) -> str:
        if self.task is None and not self._is_own():
            raise UsageError(
                "A step can be called by the app's own thread only. Start threads inside of steps."
            )
        return current_branch.get(self.branch).next_key()


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop in this thread
        return None
