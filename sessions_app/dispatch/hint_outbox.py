"""Hints on their way to a web process that may be slow: the log's writer must never wait for it.

When too much is queued, a session's further hints become one without frames, which sends its
readers to the log.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from sessions_app.notifications import to_message
from sessions_app.writes import Hint

log = logging.getLogger(__name__)

QUEUED_BYTES = 8 * 1024 * 1024


class HintOutbox:
    """`send` may block; it is called in a thread of the outbox's own."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self._queue: deque[Hint] = deque()
        self._queued_bytes = 0
        self._late: dict[UUID, Hint] = {}  # goes after the queue, so that no hint overtakes another
        self._ready = threading.Condition()

    def start(self) -> None:
        threading.Thread(target=self._run, name="hint-outbox", daemon=True).start()

    def put(self, hints: Iterable[Hint]) -> None:
        """Queue hints; never waits."""
        with self._ready:
            for hint in hints:
                if hint.session_id in self._late or self._queued_bytes > QUEUED_BYTES:
                    self._late[hint.session_id] = _merged(self._late.get(hint.session_id), hint)
                else:
                    self._queue.append(hint)
                    self._queued_bytes += hint.size
            self._ready.notify()

    def take(self) -> Hint:
        """The next hint; waits for one."""
        with self._ready:
            while not self._queue and not self._late:
                self._ready.wait()
            if not self._queue:
                return self._late.pop(next(iter(self._late)))
            hint = self._queue.popleft()
            self._queued_bytes -= hint.size
            return hint

    def _run(self) -> None:
        try:
            while True:
                self._send({"is": "hint", "hint": to_message(self.take())})
        except OSError:
            log.warning("The web process is gone; what was committed is in the log.")


def _merged(earlier: Hint | None, later: Hint) -> Hint:
    after = later.after if earlier is None else earlier.after
    state = later.state or (earlier.state if earlier is not None else None)
    return replace(later, after=after, segments=[], state=state)
