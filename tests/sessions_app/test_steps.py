"""The steps of a run: keys that a replay gives again, and the blocks that each step made."""

from __future__ import annotations

import asyncio
import gc
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps_app.dsl.runtime import Step, UsageError, step_key
from sessions_app.steps import Steps


@pytest.fixture
def steps() -> Steps:
    return Steps()


@contextmanager
def inside(step: Step) -> Iterator[None]:
    """As in the step's code."""
    token = step_key.set(step.key)
    try:
        yield
    finally:
        step_key.reset(token)


def begun(steps: Steps, count: int, task: asyncio.Task[Any] | None = None) -> list[str]:
    return [steps.begin("work", task).key for _ in range(count)]


def test_apps_own_steps_are_numbered(steps: Steps) -> None:
    assert steps.begin("look up", None) == Step("0.1", "look up")
    assert steps.begin("look up", None) == Step("0.2", "look up")


async def test_each_task_is_a_branch_by_its_first_step(steps: Steps) -> None:
    idle, first, second = (asyncio.create_task(asyncio.sleep(0)) for _ in range(3))
    assert begun(steps, 1, second) == ["1.1"]
    assert begun(steps, 2) == ["0.1", "0.2"]
    assert begun(steps, 2, first) == ["2.1", "2.2"]
    assert begun(steps, 1, second) == ["1.2"]
    await asyncio.gather(idle, first, second)


async def test_branch_of_a_task_that_is_gone_is_not_given_again(steps: Steps) -> None:
    """A key names one step of the log for ever."""
    keys = []
    for _ in range(3):
        task = asyncio.create_task(asyncio.sleep(0))
        keys += begun(steps, 1, task)
        await task
        del task
        gc.collect()
    assert keys == ["1.1", "2.1", "3.1"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30))
def test_keys_do_not_depend_on_when_other_steps_end(calls: list[tuple[int, bool]]) -> None:
    """Each call is by the app itself (0) or one of its tasks; then all that is under way may end."""

    async def play(*, ends: bool) -> dict[int, list[str]]:
        steps, under_way = Steps(), []
        tasks = [None, *[asyncio.create_task(asyncio.sleep(0)) for _ in range(3)]]
        keys = defaultdict(list)
        for caller, all_end in calls:
            under_way.append(steps.begin("work", tasks[caller]))
            keys[caller].append(under_way[-1].key)
            while under_way and ends and all_end:
                steps.end(under_way.pop())
        return keys

    keys = asyncio.run(play(ends=False))
    assert asyncio.run(play(ends=True)) == keys
    every = [key for made in keys.values() for key in made]
    assert len(set(every)) == len(every)
    for made in keys.values():
        branch = made[0].partition(".")[0]
        assert made == [f"{branch}.{number}" for number in range(1, len(made) + 1)]


def test_step_counts_its_blocks_and_only_its_own(steps: Steps) -> None:
    first, second = steps.begin("a", None), steps.begin("b", None)
    for step, block_types in ((first, ["markdown", "table", "markdown"]), (second, ["spinner"])):
        with inside(step):
            for block_type in block_types:
                steps.count_block(block_type)
    steps.count_block("markdown")
    assert steps.end(second) == {"spinner": 1}
    assert steps.end(first) == {"markdown": 2, "table": 1}


def test_code_knows_the_step_it_runs_in(steps: Steps) -> None:
    step = steps.begin("work", None)
    assert steps.current_key() == ""
    with inside(step):
        assert steps.current_key() == "0.1"


def test_steps_are_under_way_until_the_last_has_ended(steps: Steps) -> None:
    first, second = steps.begin("a", None), steps.begin("b", None)
    steps.end(first)
    assert steps.are_under_way
    steps.end(second)
    assert not steps.are_under_way


def test_ended_step_refuses_what_it_left_running(steps: Steps) -> None:
    step = steps.begin("hasty", None)
    steps.end(step)
    steps.begin("next", None)
    with inside(step):
        with pytest.raises(UsageError, match=r"Step 0\.1 has ended"):
            steps.current_key()
        with pytest.raises(UsageError, match=r"Step 0\.1 has ended"):
            steps.count_block("markdown")


def test_step_that_ends_twice_says_nothing_the_second_time(steps: Steps) -> None:
    """One that was given up while its end was on the way to the log."""
    step = steps.begin("work", None)
    with inside(step):
        steps.count_block("markdown")
    assert [steps.end(step), steps.end(step)] == [{"markdown": 1}, {}]
