"""The `Runtime` protocol: all that the author API needs of whoever plays an app.

The author API knows nothing of Django or the log. Whatever waits gives a
`concurrent.futures.Future`, so that a thread and a coroutine can wait for the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NoReturn, Protocol
from uuid import UUID

from apps_app.events import Event
from apps_app.pending import Answer, PendingPrompt

Answers = dict[str, Answer]

# The key of the step that this code runs in: what is shown meanwhile belongs to that step.
step_key: ContextVar[str | None] = ContextVar("yera_step_key", default=None)


class SessionOver(BaseException):
    """This run is over: from now on every call of the author API raises it again.

    Not an `Exception`, so that an app's `except Exception` does not catch it.
    """


class Exited(SessionOver):
    """The session has ended with its exit event."""


class Stopped(SessionOver):
    """Somebody else ended the session (cancelled, expired, deleted) or has taken it over."""


class Parked(SessionOver):
    """The session waits without a run; whoever takes it up plays it from its log."""


class Diverged(SessionOver):
    """What the app does is not what the log has: the session is paused for a person."""


class UsageError(RuntimeError):
    """The author API was called in a way that it does not allow; the message says what to do."""


class StepError(RuntimeError):
    """A step failed; the failure is recorded, and a replay raises it again."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How a step ended: the JSON of its result, or what its exception said."""

    result: bytes = b"null"
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step that has been called. `key` is `branch.number`, stable over replays.

    `outcome` is what the log has of it, None if it is to be run now.
    """

    key: str
    name: str
    outcome: StepOutcome | None = None


class Runtime(Protocol):
    """Who plays an app. Every method raises SessionOver once the session is over."""

    session_id: UUID

    def new_block(self, block_type: str) -> str:
        """The next block id of this type, `{block_type}-{n}`, n from 1 within the session."""

    def emit(self, event: Event) -> None:
        """Show one event. Raises UsageError from a task or thread that is not the app's own."""

    def ask(self, prompts: Sequence[PendingPrompt], closing: Event) -> Future[Answers]:
        """Show `closing`, the event that closes the question, and wait for all the prompts' answers."""

    def begin_step(self, name: str) -> Future[Step]:
        """Take the next step number; done when everything shown before is durable.

        A step that the log has comes with its outcome: it is neither run nor ended again.
        """

    def end_step(self, step: Step, outcome: StepOutcome) -> Future[StepOutcome]:
        """Record how the step ended; done when that is durable."""

    def abandon_step(self, step: Step) -> None:
        """The app itself cut the step off (a cancelled task): recorded as that, it is not run again."""

    def note(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A value in JSON that is made once, and from then on read from the log; a step without effects."""

    def sleep(self, seconds: float) -> Future[None]:
        """Done when so many seconds have passed since it was first called, however often it is played."""

    def finish(self, exit_event: Event, failure: str = "") -> NoReturn:
        """End the session with `exit_event`, and raise Exited. `failure` is a traceback for operators."""
