"""Apps whose events are known beforehand."""

import asyncio
import os
import time
import uuid
from pathlib import Path

import yera as yr


@yr.app(model=False)
def turns() -> str:
    """Three turns of twenty chunks each, a prompt in between, and a form at the end."""
    for turn in range(3):
        text = yr.markdown()
        for word in range(20):
            text.append(f"{turn}.{word} ")
        yr.text_input(f"turn {turn}")
    with yr.form() as form:
        yr.text_input("City")
        yr.slider(0, 10, "Score")
        yr.buttons(["a", "b"])
    return str(form.result())


@yr.app(model=False)
def ask() -> str:
    return yr.text_input("say")


@yr.app(model=False)
def stumble() -> None:
    print("before the question")
    answer = yr.text_input("say")
    print(f"they said {answer}")
    raise ValueError(f"cannot stand <{answer}>")


@yr.app(model=False)
async def ask_async() -> str:
    return await yr.atext_input("say")


@yr.app(model=False)
async def trickle() -> None:
    for number in range(40):
        yr.markdown(f"{number}")
        await asyncio.sleep(0.02)


@yr.app(model=False)
def count() -> None:
    """Counts as fast as it can."""
    number = 0
    while True:
        number += 1
        yr.markdown(str(number))


@yr.app(model=False)
def chatter() -> None:
    """Commits all the time."""
    while True:
        yr.markdown("word")
        time.sleep(0.001)


@yr.app(model=False)
def payments() -> str:
    """Pays sixty times, and returns the receipts."""
    receipts = []
    for number in range(60):
        receipts.append(yr.step(pay))
        yr.markdown(f"{number}")
        time.sleep(0.05)
    return " ".join(receipts)


def pay() -> str:
    """Leaves a receipt in a folder, named by the step and the try."""
    receipt = f"{yr.idempotency_key().replace(':', '-')}_{uuid.uuid4().hex}"
    (Path(os.environ["RECEIPTS"]) / receipt).mkdir()  # takes no bytes
    return receipt


@yr.app(model=False)
def naps() -> None:
    for number in range(60):
        yr.markdown(f"{number}")
        yr.sleep(0.05)


@yr.app(model=False)
def nested_layouts() -> None:
    with yr.columns(2):
        with yr.container():
            yr.text_input("left")
        with yr.container():
            yr.text_input("right")
