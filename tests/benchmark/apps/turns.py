"""Asks twice and ends: a session of three turns of two events each."""

import yera as yr


@yr.app(model=False)
def turns() -> None:
    yr.markdown("hello")
    for _ in range(2):
        yr.markdown(yr.text_input("say"))


@yr.app(model=False)
async def aturns() -> None:
    yr.markdown("hello")
    for _ in range(2):
        yr.markdown(await yr.atext_input("say"))
