"""The stories that `make chaos` holds sessions to, each known before its session is played."""

from __future__ import annotations

from random import Random

import pytest

from tests.chaos import plots
from tests.chaos.plots import APP_IDS, Plot
from tests.chaos.story import settled


@pytest.fixture(autouse=True)
def installed() -> None:
    plots.install()


async def plot(app_id: str, name: str = "s1", seed: int = 1) -> Plot:
    return await plots.plot(app_id, name, Random(seed))


@pytest.mark.parametrize("app_id", APP_IDS)
async def test_app_comes_to_its_own_end_over_some_turns(app_id: str) -> None:
    played = await plot(app_id)
    assert len(played.questions) >= 3
    assert played.events[-1]["data"]["exit_code"] == (3 if app_id == "nest.nest" else 0)


@pytest.mark.parametrize("app_id", APP_IDS)
async def test_same_choices_give_the_same_story_and_others_another(app_id: str) -> None:
    story = settled((await plot(app_id)).events)
    assert settled((await plot(app_id)).events) == story
    assert settled((await plot(app_id, seed=2)).events) != story
