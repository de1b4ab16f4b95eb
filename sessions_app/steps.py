"""The steps of one run: their keys, stable over replays, and the blocks that those under way made."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from weakref import WeakKeyDictionary

from apps_app.dsl.runtime import Step, UsageError, step_key

OWN_BRANCH = "0"


class Steps:
    """Numbers steps per branch when they are called: their ends may come in any order.

    A branch is the app's own thread or task, or its k-th task by first call.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, Counter[str]] = {}
        self._numbers: Counter[str] = Counter()
        self._branches: WeakKeyDictionary[asyncio.Task[Any], str] = WeakKeyDictionary()
        self._branch_count = 0

    @property
    def are_under_way(self) -> bool:
        return bool(self._under_way)

    def begin(self, name: str, task: asyncio.Task[Any] | None) -> Step:
        """A step called by a task of the app's, or by the app itself if None."""
        branch = OWN_BRANCH if task is None else self._branch(task)
        self._numbers[branch] += 1
        step = Step(f"{branch}.{self._numbers[branch]}", name)
        self._under_way[step.key] = Counter()
        return step

    def end(self, step: Step) -> dict[str, int]:
        """How many blocks of each type the step made; nothing for one that was not under way."""
        return dict(self._under_way.pop(step.key, {}))

    def current_key(self) -> str:
        """The key of the step that the calling code runs in; empty outside of steps."""
        key = step_key.get() or ""
        if key and key not in self._under_way:
            raise UsageError(
                f"Step {key} has ended; what it left running can show nothing more. "
                "Wait in the step for all that it starts."
            )
        return key

    def count_block(self, block_type: str) -> None:
        """A block was made by the calling code, perhaps inside a step."""
        if key := self.current_key():
            self._under_way[key][block_type] += 1

    def _branch(self, task: asyncio.Task[Any]) -> str:
        if task not in self._branches:
            self._branch_count += 1  # not the length of the dictionary: tasks leave it at any time
            self._branches[task] = str(self._branch_count)
        return self._branches[task]
