"""Shows the time of each of its calls, as often as its user says."""

import time

import yera as yr


@yr.app(model=False)
def times() -> None:
    while True:
        for _ in range(int(yr.text_input("How often?"))):
            yr.markdown(repr(time.monotonic()))
