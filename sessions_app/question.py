"""What a hot run waits for: its prompts, and the answers so far."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import orjson

from apps_app.dsl.runtime import Answers
from apps_app.pending import PendingPrompt, judge
from sessions_app.frames import Entry


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
        """Read one recorded interaction; True when nothing is missing any more."""
        posted = orjson.loads(interaction.payload)
        given = judge(
            list(self.missing.values()), posted["blockId"], posted.get("blockType", ""), posted["value"]
        )
        self.answers.update(given)
        for block_id in given:
            del self.missing[block_id]
        return not self.missing
