"""Steps side by side, whose output interleaves.

They alone show actions here, and each action's first message is its own: judging relies on it
(tests/chaos/story.py, `settled`).
"""

import asyncio

import yera as yr
from _work import awork, pay


@yr.app(model=False)
async def crowd() -> str:
    results = []
    for number in range(int(await yr.aslider(2, 4, "Rounds"))):
        name = await yr.atext_input(f"Round {number}")
        single = yr.astep(errand, f"{number} {name} alone")
        results += await asyncio.gather(walk(f"{number} {name} one"), walk(f"{number} {name} two"), single)
        yr.markdown(f"All are back from round {number}")
    return ", ".join(results)


async def walk(name: str) -> str:
    """Two steps in a task of its own."""
    there = await yr.astep(errand, f"{name}, there")
    return await yr.astep(errand, f"{there} and back")


async def errand(name: str) -> str:
    with yr.action(name) as action:
        for part in range(4):
            await awork()
            action.update(f"{name}: {part}")
        pay()
    return name
