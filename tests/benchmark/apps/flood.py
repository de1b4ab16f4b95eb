"""Shows as many events as it is told, as fast as it can or at a pace; each has one `~` to be counted by."""

import asyncio
import time

import yera as yr

PIECE = "012345678~"
AT_A_TIME = 100  # an async app that never awaited would be stopped


@yr.app(model=False)
def flood() -> None:
    count = int(yr.text_input("events"))
    shown = yr.markdown()
    for _ in range(count):
        shown.append(PIECE)


@yr.app(model=False)
async def aflood() -> None:
    count = int(await yr.atext_input("events"))
    shown = yr.markdown()
    for number in range(count):
        shown.append(PIECE)
        if number % AT_A_TIME == 0:
            await asyncio.sleep(0)


@yr.app(model=False)
def paced() -> None:
    count, per_second = map(int, yr.text_input("events, events a second").split(","))
    shown = yr.markdown()
    start = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, start + number / per_second - time.monotonic()))
        shown.append(PIECE)
