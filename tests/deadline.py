"""Waiting on a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

DEADLINE_SECONDS = 20.0
PAUSE_SECONDS = 0.02


def until(condition: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> bool:
    """True as soon as the condition holds; False if it never does before the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
