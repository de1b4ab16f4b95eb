"""Apps whose runners die, and what their users answer. A step's result tells which attempt it came from."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import apps_app.dsl as yr

# By `session:branch.number`, how often each step has been begun, in whatever process.
attempts: Counter[str] = Counter()


class CrashApp(NamedTuple):
    """A function to be made the app, and what its user answers, in order.

    `is_ordered`: each play of it shows the same in the same order.
    """

    function: Callable[..., Any]
    answers: list[Any]
    is_ordered: bool = True

    @property
    def name(self) -> str:
        return self.function.__name__


def attempt() -> dict[str, int]:
    """What a step gives back: the number of its attempt."""
    key = yr.idempotency_key()
    attempts[key] += 1
    return {"attempt": attempts[key]}


def charge(card: str) -> dict[str, int]:
    made = attempt()
    receipt = yr.markdown(f"charging {card}")
    yr.table({"item": ["tea"], "price": [3]})
    receipt.append(" done")
    return made


def refuse() -> None:
    yr.markdown("trying")
    raise ValueError(f"attempt {attempt()['attempt']}")


def order() -> str:
    """Streamed text, prompts, a form, steps that show something, and one that fails."""
    with yr.markdown("Wel") as greeting:
        greeting.append("come")
        greeting.append("!")
    card = yr.text_input("Card?")
    yr.step(charge, card)
    with yr.form() as form:
        yr.text_input("Name")
        yr.slider(0, 10, "Tip")
    try:
        yr.step(refuse)
    except yr.StepError:
        greeting.append(" The kitchen is closed.")
    yr.step(charge, "again")
    return str(form.result())


def progress() -> str:
    """A spinner that is opened outside of the step which moves it on."""

    def cook() -> dict[str, int]:
        made = attempt()
        spinner.update("half")
        spinner.update("nearly")
        return made

    with yr.container(), yr.spinner("cooking") as spinner:
        yr.step(cook)
        spinner.update("serving")
        yr.step(cook)
    return yr.buttons(["good", "bad"], "How was it?")


def chance() -> None:
    """Time, chance and sleep: what was drawn once stays so."""
    number, token = yr.random(), yr.uuid()
    yr.markdown(f"{yr.now().isoformat()} {token}")
    yr.sleep(0.001)
    yr.text_input("Go on?")
    number = yr.step(lambda given: [given, attempt()], number)[0] - number
    yr.sleep(0)
    yr.markdown(f"{token} {number}")


@yr.app
def counter() -> str:
    """Played inside of another app, with steps and a question of its own."""
    yr.workspace["calls"] = yr.workspace.get("calls", 0) + 1
    yr.step(charge, f"nested {yr.workspace['calls']}")
    return yr.text_input("What else?")


def nested() -> str:
    with yr.columns(2):
        first = counter()
        second = counter()
    return first + second


def leaving() -> None:
    """Ends inside of a layout that still has a question."""
    with yr.container():
        yr.markdown("before")
        with yr.spinner("leaving"):
            yr.text_input("Sure?")
            yr.step(charge, "last")
            yr.exit(3, "left", "nothing")


async def crowd() -> str:
    """Steps side by side whose output is interleaved, twice."""

    async def work(name: str) -> dict[str, int]:
        made = attempt()
        shown = yr.markdown(name)
        for count in range(2):
            await asyncio.sleep(0)
            shown.append(f" {count}")
        return made

    yr.markdown("all at once")
    await asyncio.gather(*(yr.astep(work, name) for name in "ab"))
    name = await yr.atext_input("Who else?")
    await asyncio.gather(*(yr.astep(work, each) for each in (name, "d")))
    await yr.asleep(0.001)
    yr.markdown("all done")
    return name


PROGRESS = CrashApp(progress, ["good"])
APPS = [
    CrashApp(order, ["visa", "Ada", 3]),
    PROGRESS,
    CrashApp(chance, ["yes"]),
    CrashApp(nested, ["tea", "cake"]),
    CrashApp(leaving, ["yes"]),
    CrashApp(crowd, ["c"], is_ordered=False),
]
