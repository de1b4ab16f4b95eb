"""A session that is parked, or whose runner dies, goes on as if nothing had been: the same events, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import apps_app.dsl as yr
from tests.sessions_app.conftest import NewStage
from tests.sessions_app.stage import Stage, play_to_end

pytestmark = pytest.mark.django_db(transaction=True)


def hot(stage: Stage) -> None:
    """Nothing happens."""


def parked(stage: Stage) -> None:
    stage.park()


def killed(stage: Stage) -> None:
    stage.kill()


# Apps, and what their user answers.


def conversation() -> str:
    unused = yr.markdown()
    story = yr.markdown("Once")
    name = yr.text_input("Who?")
    story.append(f" there was {name}")
    with yr.spinner("thinking"):
        story.append("…")
    table = yr.table({"a": [1]})
    choice = yr.buttons(["x", "y"], "Which?")
    table.add_rows([[2]])
    unused.append(choice)
    return name + choice


def layouts() -> str:
    with yr.container():
        yr.markdown("above")
        with yr.form() as form:
            yr.text_input("a")
            yr.slider(0, 10, "b")
        yr.markdown(str(form.result()))
    with yr.columns(2):
        yr.date_picker("when", "2026-01-31")
        yr.markdown("beside")
    return str(form.result())


def workspace() -> str:
    yr.workspace["seen"] = []
    for _ in range(3):
        yr.workspace["seen"].append(yr.text_input())
    return ",".join(yr.workspace["seen"])


def chatting() -> None:
    for text in yr.chat():
        yr.markdown(f"You said {text}.")


async def conversation_async() -> str:
    story = yr.markdown("Once")
    name = await yr.atext_input("Who?")
    story.append(f" there was {name}")
    async with yr.form() as form:
        await yr.atext_input("a")
        await yr.aslider(0, 10, "b")
    return str(form.result())


@yr.app
def inner() -> str:
    yr.markdown("inside")
    return yr.text_input("inner?")


def nested() -> str:
    with yr.container():
        first = inner()
    return first + inner()


def raises_inside() -> None:
    with yr.container():
        yr.text_input()
        raise ValueError("after the question")


APPS = [
    (conversation, ["Ada", "y"]),
    (workspace, ["a", "b", "c"]),
    (chatting, ["hi", "again", "/quit"]),
    (layouts, ["one", 3, "2026-02-01"]),
    (conversation_async, ["Ada", "one", 3]),
    (nested, ["a", "b"]),
    (raises_inside, ["a"]),
]


@pytest.mark.parametrize("between", [parked, killed])
@pytest.mark.parametrize(("function", "answers"), APPS, ids=[function.__name__ for function, _ in APPS])
def test_interruption_while_waiting_is_invisible(
    new_stage: NewStage, function: Callable[..., Any], answers: list[Any], between: Callable[[Stage], None]
) -> None:
    expected = play_to_end(new_stage(function), answers, hot)
    assert play_to_end(new_stage(function), answers, between) == expected
