"""Apps in apps, with memories of their own, and an exit from deep inside."""

import yera as yr
from _work import pay, work


@yr.app(model=False)
def nest() -> str:
    yr.workspace["rounds"] = 0
    for _ in range(int(yr.slider(2, 4, "Rounds"))):
        yr.workspace["rounds"] += 1
        yr.markdown(f"{bird()} came by in round {yr.workspace['rounds']}")
    egg()
    return f"an egg after {yr.workspace['rounds']} rounds"


@yr.app(model=False)
def bird() -> str:
    yr.workspace["name"] = yr.text_input("Which bird?")
    with yr.container(), yr.spinner("singing"):
        for letter in yr.workspace["name"]:
            yr.markdown(letter)
            work()
    return yr.workspace["name"]


@yr.app(model=False)
def egg() -> None:
    with yr.columns(2), yr.action("hatching"):
        yr.markdown("crack")
        work()
        if yr.step(hatches):
            yr.exit(3, "It hatched", "a chick", error_cause="Hatched")


def hatches() -> bool:
    pay()
    work()
    return True
