"""What a run waits for: the answers to its prompts, or the end of a sleep."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import orjson
from django.utils import timezone

from apps_app.dsl.runtime import Answers
from apps_app.pending import PendingPrompt, judge
from sessions_app.frames import Entry

SLEEP = "sleep"  # the name under which a nap is recorded


def uncancellable_future() -> Future[Any]:
    """A future that whoever gives up waiting for leaves as it is: it is settled all the same."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future


class Question:
    """Asked until nothing is missing; `answers` are by block id. Whoever asks waits on `future`."""

    def __init__(self, prompts: Sequence[PendingPrompt]) -> None:
        self.missing = {prompt.block_id: prompt for prompt in prompts}
        self.answers: Answers = {}
        self.future: Future[Answers] = uncancellable_future()

    def take(self, interaction: Entry) -> bool:
        """Read one recorded interaction; True when nothing is missing any more.

        It was judged before it was recorded, by the limits of that time: today's do not count.
        """
        posted = orjson.loads(interaction.payload)
        missing = [prompt.unlimited() for prompt in self.missing.values()]
        given = judge(missing, posted["blockId"], posted.get("blockType", ""), posted["value"])
        self.answers.update(given)
        for block_id in given:
            del self.missing[block_id]
        return not self.missing

    def end(self, error: BaseException) -> None:
        """There will be no answer."""
        self.future.set_exception(error)


class Nap:
    """A sleep that ends at a time of day, wherever it is slept. Whoever sleeps waits on `future`."""

    def __init__(self, until: datetime.datetime) -> None:
        self.until = until
        self.future: Future[None] = Future()

    @classmethod
    def of(cls, seconds: float) -> Nap:
        """One that begins now."""
        return cls(timezone.now() + datetime.timedelta(seconds=seconds))

    @classmethod
    def from_json(cls, data: bytes) -> Nap:
        return cls(datetime.datetime.fromisoformat(orjson.loads(data)))

    def to_json(self) -> bytes:
        return orjson.dumps(self.until.isoformat())

    def end(self, error: BaseException | None = None) -> None:
        """Settle the future, unless whoever slept has given it up."""
        if self.future.set_running_or_notify_cancel():
            if error is None:
                self.future.set_result(None)
            else:
                self.future.set_exception(error)

    @property
    def seconds_left(self) -> float:
        return (self.until - timezone.now()).total_seconds()
