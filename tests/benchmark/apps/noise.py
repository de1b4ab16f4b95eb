"""Neighbours that take what they can get."""

import yera as yr


@yr.app(model=False)
def flood() -> None:
    text = yr.markdown()
    while True:
        text.append("0123456789")


@yr.app(model=False)
def spin() -> None:
    yr.markdown("spinning")
    while True:
        pass
