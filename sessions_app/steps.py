"""The steps of one run: their keys, stable over replays, and what those under way have shown."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field

from apps_app.dsl.runtime import UsageError, step_key

MAX_BRANCH_NAME = 40  # a longer one, of tasks that each start the next, becomes a digest


class Branch:
    """A line of an app's work in which one thing comes after the other: its own, or one of its tasks.

    Named by the way to it, so that a replay finds it: the k-th task that its parent started.
    """

    def __init__(self, name: str = "0", living: set[str] | None = None) -> None:
        self.name = name
        self._living: set[str] = set() if living is None else living  # tasks', of the whole run
        self._children = 0
        self._steps = 0

    def child(self) -> Branch:
        """That of a task which this one starts now."""
        self._children += 1
        name = f"{self.name}-{self._children}"
        if len(name) > MAX_BRANCH_NAME:
            name = hashlib.blake2s(name.encode(), digest_size=12).hexdigest()
        self._living.add(name)
        return Branch(name, self._living)

    def end(self) -> None:
        """Its task has come to its end."""
        self._living.discard(self.name)

    def may_still_call(self, key: str) -> bool:
        """Whether a task of this run lives that calls the step with this key, or starts who does."""
        branch = key.rpartition(".")[0]
        return any(branch == name or branch.startswith(f"{name}-") for name in self._living)

    def has(self, key: str) -> bool:
        """Whether the step with this key was called here."""
        return key.rpartition(".")[0] == self.name

    def next_key(self) -> str:
        """The key of the step that is called now."""
        self._steps += 1
        return f"{self.name}.{self._steps}"


# Which branch the calling code belongs to; a run sets its own, each task of it gets the next.
current_branch: ContextVar[Branch] = ContextVar("branch")


@dataclass(slots=True)
class Shown:
    """What one step has shown: the blocks that it made, and by mark the highest number that it used.

    A mark is a block type, for the numbers of its blocks, or the id of a block from outside of
    the step, for its chunks.
    """

    made: set[str] = field(default_factory=set)
    highest: Counter[str] = field(default_factory=Counter)

    def add_block(self, block_type: str, number: int) -> None:
        self.made.add(f"{block_type}-{number}")
        self.highest[block_type] = max(self.highest[block_type], number)

    def add_chunk(self, block_id: str, chunk_id: int) -> None:
        if block_id not in self.made:
            self.highest[block_id] = max(self.highest[block_id], chunk_id)


class Steps:
    """Those under way, by key; they may end in any order."""

    def __init__(self) -> None:
        self._under_way: dict[str, Shown] = {}

    @property
    def are_under_way(self) -> bool:
        return bool(self._under_way)

    def begin(self, key: str) -> None:
        self._under_way[key] = Shown()

    def end(self, key: str) -> dict[str, int]:
        """The highest number by mark that the step used; nothing for one that was not under way."""
        return dict(self._under_way.pop(key, Shown()).highest)

    def current(self) -> str:
        """The key of the step that the calling code runs in; empty outside of steps."""
        key = step_key.get() or ""
        if key and key not in self._under_way:
            raise UsageError(
                f"Step {key} has ended; what it left running can show nothing more. "
                "Wait in the step for all that it starts."
            )
        return key

    def shown(self, key: str) -> Shown:
        """What a step under way has shown, to be added to."""
        return self._under_way[key]
