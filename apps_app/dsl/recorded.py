"""Time and chance: what would differ from one run to the next is recorded, so that a replay has it again.

Inside a step all of these are plain: the step's result is what is recorded.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Callable
from random import SystemRandom
from typing import Any
from uuid import UUID, uuid4

import orjson

from apps_app.dsl.context import current, current_sync
from apps_app.dsl.runtime import step_key
from apps_app.events import encode_json

LONGEST_SLEEP_SECONDS = 100 * 365 * 24 * 3600.0  # clocks and dates can still be added up

Duration = float | datetime.timedelta

_chance = SystemRandom()  # processes that were forked from one another share no state


def now() -> datetime.datetime:
    """The time, in UTC with its offset."""
    return datetime.datetime.fromisoformat(
        _recorded("now", lambda: datetime.datetime.now(datetime.UTC).isoformat())
    )


def uuid() -> UUID:
    """A new random UUID (version 4)."""
    return UUID(_recorded("uuid", lambda: str(uuid4())))


def random() -> float:
    """A random number from 0 up to, but not including, 1."""
    return float(_recorded("random", _chance.random))


def sleep(seconds: Duration) -> None:
    """Wait so long, counted from the first call on: a restart of the server does not start it anew.

    Raises ValueError for less than nothing, and for more than a hundred years.
    """
    length = _seconds(seconds)
    runtime = current_sync("sleep").runtime
    if step_key.get() is not None:
        time.sleep(length)
    else:
        runtime.sleep(length).result()


async def asleep(seconds: Duration) -> None:
    """`sleep` for async apps."""
    length = _seconds(seconds)
    runtime = current().runtime
    if step_key.get() is not None:
        await asyncio.sleep(length)
    else:
        await asyncio.wrap_future(runtime.sleep(length))


def _seconds(duration: Duration) -> float:
    seconds = duration.total_seconds() if isinstance(duration, datetime.timedelta) else float(duration)
    if not 0 <= seconds <= LONGEST_SLEEP_SECONDS:
        raise ValueError(f"yr.sleep takes 0 to {LONGEST_SLEEP_SECONDS:.0f} seconds, not {seconds}.")
    return seconds


def _recorded(name: str, make: Callable[[], str | float]) -> Any:
    """What `make` gives, or what it gave when the session first came here."""
    runtime = current().runtime
    if step_key.get() is not None:
        return make()
    return orjson.loads(runtime.note(name, lambda: encode_json(make())))
