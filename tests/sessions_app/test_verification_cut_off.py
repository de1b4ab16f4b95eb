"""Verifying what was cut off: its step is not run, and the app is left where its log ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import apps_app.dsl as yr
from apps_app.dsl.runtime import StepOutcome
from sessions_app.models import Session
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.logs import in_step, log, markdown, retract, shown, step
from tests.sessions_app.verified_apps import crashes, work
from tests.sessions_app.verifying import said, verdict

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]


def counted(counter: Path) -> Callable[[], None]:
    """An app whose steps show something, and count how often they are run."""

    def count() -> None:
        with counter.open("a") as file:
            file.write(".")
        yr.markdown("in a step")

    def main() -> None:
        yr.markdown("one")
        yr.step(count, name="pay")
        yr.markdown("two")

    return main


@pytest.mark.parametrize(
    "tried",
    [
        [],
        [in_step()],
        [in_step(), retract(2, 2)],
        [in_step(), retract(2, 2), in_step(), in_step()],
        [in_step(), retract(2, 2), in_step(), step(StepOutcome(), markdown=2)],
        [in_step(), retract(2, 2), in_step(), step(StepOutcome(), markdown=2), shown(markdown(number=3))],
    ],
    ids=["before", "cut off", "retracted", "cut off twice", "at last recorded", "gone on"],
)
def test_step_that_was_cut_off_is_not_run(app: SetApp, tmp_path: Path, tried: list[Any]) -> None:
    app(counted(tmp_path / "counter"))
    assert verdict(*log(shown(markdown("one")), *tried)).matches
    assert not (tmp_path / "counter").exists()


def test_step_without_result_is_not_run_beside_others_that_have_one(app: SetApp, tmp_path: Path) -> None:
    counter = tmp_path / "counter"

    async def branch(number: int) -> None:
        await yr.astep(counter.touch if number == 1 else work, name=f"{number}a")
        await yr.astep(work, name=f"{number}b")

    @app
    async def main() -> None:
        await asyncio.gather(branch(1), branch(2))

    done = [step(StepOutcome(b'""'), f"0-2.{number}", name) for number, name in enumerate(["2a", "2b"], 1)]
    assert verdict(*log(in_step("0-1.1"), *done)).matches
    assert not counter.exists()


TIME = StepOutcome(b'"2026-01-31T00:00:00+00:00"')


@pytest.mark.parametrize(
    ("last", "recorded"),
    [
        (lambda: yr.markdown("a"), shown(markdown("a"))),
        (lambda: yr.step(work), step(TIME, name="work")),
        (yr.now, step(TIME, name="now")),
        (lambda: yr.sleep(0), step(TIME, name="sleep")),
    ],
    ids=["event", "step", "note", "sleep"],
)
def test_app_is_left_where_the_log_ends(app: SetApp, last: Callable[[], Any], recorded: Any) -> None:
    @app
    def main() -> None:
        last()
        crashes()

    assert verdict(*log(recorded)).matches


def test_other_tasks_are_played_on_beside_a_step_that_was_cut_off(app: SetApp) -> None:
    @app
    async def main() -> None:
        await asyncio.gather(yr.astep(work), yr.astep(work, name="other"))

    entries = log(in_step("0-1.1"), step(StepOutcome(b'""'), "0-2.1", name="work"))
    assert said(verdict(*entries)) == [
        "entry 2:",
        "recorded:  step 0-2.1, work",
        "attempted: step 0-2.1, other",
    ]
