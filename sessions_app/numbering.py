"""The numbers of a session's blocks and of their chunks: the same ones in each play of its log."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from apps_app.events import Event
from sessions_app.steps import Shown


class Numbering:
    """By block type the number of the latest block; by block id a chunk that a recorded step has shown.

    `still_recorded` is the highest number that the steps which are still to be called have used:
    what a step shows now stays clear of it.
    """

    def __init__(self) -> None:
        self._highest: Counter[str] = Counter()
        self._lock = threading.Lock()  # a step may have threads

    def next_block(self, block_type: str, inside: Shown | None = None, still_recorded: int = 0) -> str:
        """The id of a new block, made by the app itself or `inside` of a step."""
        with self._lock:
            number = max(self._highest[block_type], still_recorded) + 1
            if inside is not None:
                inside.add_block(block_type, number)
            self._highest[block_type] = number
        return f"{block_type}-{number}"

    def next_chunk(self, event: Event, still_recorded: int = 0) -> Event:
        """The event with the next chunk id, where recorded steps have shown chunks of its block."""
        last = max(self._highest.get(event.block_id, 0), still_recorded)
        if last == 0:
            return event
        self._highest[event.block_id] = max(event.chunk_id, last + 1)
        return replace(event, chunk_id=self._highest[event.block_id])

    def pass_over(self, highest: Mapping[str, int]) -> None:
        """Leave out the numbers that a recorded step has used."""
        for mark, number in highest.items():
            self._highest[mark] = max(self._highest[mark], number)
