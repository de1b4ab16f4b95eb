"""Shows tokens at a pace, as a model does."""

import asyncio
import time

import yera as yr


@yr.app(model=False)
async def tokens() -> None:
    """Answered `RATE COUNT`, it shows COUNT tokens, RATE a second.

    A token's text is its number and when it was due on the machine's monotonic clock: what is late
    in the app's own process is late, too.
    """
    rate, count = map(int, (await yr.atext_input("rate and count")).split())
    text = yr.markdown()
    start = time.monotonic()
    for number in range(count):
        due = start + number / rate
        await asyncio.sleep(due - time.monotonic())
        text.append(f"{number} {due:.6f} ")
