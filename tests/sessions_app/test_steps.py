"""The steps of a run: keys that a replay gives again, and what each step has shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps_app.dsl.runtime import UsageError, step_key
from sessions_app.steps import Branch, Shown, Steps


@contextmanager
def inside(key: str) -> Iterator[None]:
    """As in the step's code."""
    token = step_key.set(key)
    try:
        yield
    finally:
        step_key.reset(token)


# Branches.


def test_steps_of_a_branch_are_numbered() -> None:
    own = Branch()
    assert [own.next_key(), own.next_key()] == ["0.1", "0.2"]


def test_tasks_are_branches_by_the_way_to_them() -> None:
    own = Branch()
    first, second = own.child(), own.child()
    inner = second.child()
    assert [inner.next_key(), first.next_key(), second.next_key()] == ["0-2-1.1", "0-1.1", "0-2.1"]


def keys(chain: int) -> list[str]:
    """Those of tasks that each start the next, some of them more than one."""
    branch, made = Branch(), []
    for _ in range(chain):
        made.append(branch.child().next_key())
        branch = branch.child()
        made.append(branch.next_key())
    return made


def test_keys_of_a_long_chain_stay_short_apart_and_the_same() -> None:
    made = keys(200)
    assert len(set(made)) == len(made)
    assert max(map(len, made)) <= 64  # as the log's column takes them
    assert keys(200) == made


@given(st.permutations(range(8)))
def test_keys_do_not_depend_on_who_steps_first(order: list[int]) -> None:
    own = Branch()
    branches = [own.child() for _ in range(4)]
    made: dict[int, list[str]] = {}
    for each in order:
        made.setdefault(each % 4, []).append(branches[each % 4].next_key())
    assert made == {k: [f"0-{k + 1}.1", f"0-{k + 1}.2"] for k in range(4)}


# What a step has shown.


def test_step_keeps_the_highest_number_by_block_type() -> None:
    shown = Shown()
    for block_type, number in (("markdown", 3), ("table", 1), ("markdown", 5)):
        shown.add_block(block_type, number)
    shown.add_block("markdown", 4)  # threads of one step
    assert shown.highest == {"markdown": 5, "table": 1}


def test_step_keeps_the_last_chunk_of_blocks_from_outside() -> None:
    shown = Shown()
    shown.add_block("markdown", 2)
    for block_id, chunk_id in (("markdown-2", 1), ("markdown-1", 4), ("markdown-1", 5)):
        shown.add_chunk(block_id, chunk_id)
    assert shown.highest == {"markdown": 2, "markdown-1": 5}


def test_each_step_has_shown_its_own() -> None:
    steps = Steps()
    steps.begin("0.1")
    steps.begin("0.2")
    steps.shown("0.1").add_block("markdown", 1)
    steps.shown("0.2").add_block("spinner", 1)
    assert steps.end("0.2") == {"spinner": 1}
    assert steps.end("0.1") == {"markdown": 1}


def test_code_knows_the_step_it_runs_in() -> None:
    steps = Steps()
    steps.begin("0.1")
    assert steps.current() == ""
    with inside("0.1"):
        assert steps.current() == "0.1"


def test_steps_are_under_way_until_the_last_has_ended() -> None:
    steps = Steps()
    steps.begin("0.1")
    steps.begin("0.2")
    steps.end("0.1")
    assert steps.are_under_way
    steps.end("0.2")
    assert not steps.are_under_way


def test_ended_step_refuses_what_it_left_running() -> None:
    steps = Steps()
    steps.begin("0.1")
    steps.end("0.1")
    steps.begin("0.2")
    with inside("0.1"), pytest.raises(UsageError, match=r"Step 0\.1 has ended"):
        steps.current()


def test_step_that_ends_twice_says_nothing_the_second_time() -> None:
    """One that was given up while its end was on the way to the log."""
    steps = Steps()
    steps.begin("0.1")
    steps.shown("0.1").add_block("markdown", 1)
    assert [steps.end("0.1"), steps.end("0.1")] == [{"markdown": 1}, {}]
