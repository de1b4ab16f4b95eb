"""Has a long log before its first question, then echoes."""

import yera as yr


@yr.app(model=False)
def long() -> None:
    for number in range(1000):
        yr.markdown(f"entry {number}")
    while True:
        yr.markdown(yr.text_input("say"))
