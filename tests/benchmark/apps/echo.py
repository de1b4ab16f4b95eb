"""Asks and echoes for ever: the least app that has turns."""

import yera as yr


@yr.app(model=False, name="Echo")
def echo() -> None:
    yr.markdown("hello")
    while True:
        yr.markdown(yr.text_input("say"))


@yr.app(model=False, name="Echo, async")
async def aecho() -> None:
    yr.markdown("hello")
    while True:
        yr.markdown(await yr.atext_input("say"))
