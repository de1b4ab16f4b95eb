"""Sleep, and values by chance or clock that must stay what they were."""

import yera as yr
from _work import pay, work


@yr.app(model=False)
def rest() -> int:
    rounds = int(yr.slider(2, 4, "Rounds"))
    for number in range(rounds):
        by_chance = [str(yr.uuid()), yr.random(), yr.now().isoformat()]
        kept = yr.step(keep, by_chance)
        yr.sleep(0.3)
        text = yr.text_input(f"Round {number}")
        yr.markdown(f"{text}: {'the same' if kept == by_chance else 'other'} values as before the sleep")
    return rounds


def keep(values: list[str | float]) -> list[str | float]:
    work()
    pay()
    return values
