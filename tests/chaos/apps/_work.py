"""What the harness's apps do besides showing and asking: they take time, and they have effects."""

import asyncio
import os
import time

import yera as yr

# Unset where the harness itself plays an app to learn its story: no time, no effect.
PAUSE_SECONDS = float(os.environ.get("CHAOS_PAUSE_SECONDS", "0"))
EFFECTS_FILE = os.environ.get("CHAOS_EFFECTS_FILE")


def work() -> None:
    time.sleep(PAUSE_SECONDS)


async def awork() -> None:
    await asyncio.sleep(PAUSE_SECONDS)


def pay() -> None:
    """What must not be done again once its step is recorded: a line in a file, with the time."""
    if EFFECTS_FILE is not None:
        with open(EFFECTS_FILE, "a") as file:  # one short write to a file opened for appending is whole
            file.write(f"{time.time()} {yr.idempotency_key()}\n")
