"""The steps of a run: their keys, their records, and who may show something meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from apps_app.dsl.runtime import Step, StepOutcome, UsageError, step_key
from sessions_app.app_tasks import guarded_task
from sessions_app.models import LogEntry
from sessions_app.run import Run
from sessions_app.steps import current_branch
from sessions_app.writes import Position
from tests.sessions_app.playing import entries, shown, texts
from tests.sessions_app.runs import SECONDS, TEXT, in_step, kinds, markdown, prompt

pytestmark = pytest.mark.django_db(transaction=True)


def test_step_is_recorded_with_what_it_showed(run: Run, flush: Callable[[], Position]) -> None:
    step = run.begin_step("look up").result(SECONDS)
    assert step == Step("0.1", "look up")
    in_step(step, lambda: run.emit(markdown("within", run.new_block("markdown"))))
    assert run.end_step(step, StepOutcome(b'{"a":1}')).result(SECONDS) == StepOutcome(b'{"a":1}')
    run.emit(markdown("after", run.new_block("markdown")))
    flush()
    rows = LogEntry.objects.filter(session=run.session_id).values_list("kind", "step")
    assert list(rows) == [("event", "0.1"), ("step", "0.1"), ("event", "")]
    record = json.loads(entries(run.session_id)[1].payload)
    assert record == {"name": "look up", "error": None, "highest": {"markdown": 1}, "result": {"a": 1}}
    assert [event["block_id"] for event in shown(run.session_id)] == ["markdown-1", "markdown-2"]


def test_failed_step_is_recorded(run: Run) -> None:
    step = run.begin_step("pay").result(SECONDS)
    run.end_step(step, StepOutcome(error="ValueError: no money")).result(SECONDS)
    record = json.loads(entries(run.session_id)[0].payload)
    assert (record["error"], record["result"]) == ("ValueError: no money", None)


def test_step_starts_when_what_came_before_is_durable(run: Run) -> None:
    run.emit(markdown("before"))
    run.begin_step("pay").result(SECONDS)
    assert texts(run.session_id) == ["before"]


def test_nothing_else_is_shown_while_a_step_is_under_way(run: Run, flush: Callable[[], Position]) -> None:
    step = run.begin_step("slow").result(SECONDS)
    with pytest.raises(UsageError, match="Await the step first"):
        run.emit(markdown("meanwhile"))
    with pytest.raises(UsageError, match="Await the step first"):
        run.ask([TEXT], prompt())
    run.end_step(step, StepOutcome()).result(SECONDS)
    run.emit(markdown("after"))
    flush()
    assert texts(run.session_id) == ["after"]


def test_step_that_was_given_up_is_recorded_and_holds_nobody_up(
    run: Run, flush: Callable[[], Position]
) -> None:
    step = run.begin_step("slow").result(SECONDS)
    in_step(step, lambda: run.emit(markdown("within", run.new_block("markdown"))))
    run.abandon_step(step)
    run.emit(markdown("after", run.new_block("markdown")))
    flush()
    assert kinds(run) == ["event", "step", "event"]
    assert json.loads(entries(run.session_id)[1].payload) == {"name": "slow", "highest": {"markdown": 1}}


def test_step_that_has_ended_shows_nothing_more(run: Run, flush: Callable[[], Position]) -> None:
    """What a step has left running in another task or thread comes too late."""
    step = run.begin_step("hasty").result(SECONDS)
    run.end_step(step, StepOutcome()).result(SECONDS)
    for call in (lambda: run.emit(markdown("late")), lambda: run.new_block("markdown")):
        with pytest.raises(UsageError, match="step"):
            in_step(step, call)
    flush()
    assert kinds(run) == ["step"]


@pytest.mark.parametrize("phase", ["begin", "end"])
def test_cancelled_wait_for_a_step_stops_nobody(run: Run, flush: Callable[[], Position], phase: str) -> None:
    """An async app's task may be cancelled while it waits for the log."""
    beginning = run.begin_step("one")
    if phase == "begin":
        beginning.cancel()
    else:
        run.end_step(beginning.result(SECONDS), StepOutcome()).cancel()
    flush()
    assert run.new_block("markdown") == "markdown-1"  # no step is under way
    assert run.begin_step("two").result(SECONDS) == Step("0.2", "two")


def test_steps_of_gathered_tasks_have_keys_of_their_own(run: Run) -> None:
    """A branch a task, in the order in which they were started; `0` is the app's own."""
    seen: list[tuple[str, str]] = []

    async def step(name: str) -> None:
        begun = await asyncio.wrap_future(run.begin_step(name))
        seen.append((begun.name, begun.key))
        await asyncio.wrap_future(run.end_step(begun, StepOutcome()))

    async def two_steps(name: str) -> None:
        await step(f"{name}1")
        await step(f"{name}2")

    async def main() -> None:
        run.task = asyncio.current_task()
        asyncio.get_running_loop().set_task_factory(guarded_task)
        current_branch.set(run.branch)
        await step("own1")
        await asyncio.gather(two_steps("a"), two_steps("b"))
        await step("own2")
        await asyncio.gather(two_steps("c"))

    asyncio.run(main())
    assert dict(seen) == {
        "own1": "0.1",
        "own2": "0.2",
        "a1": "0-1.1",
        "a2": "0-1.2",
        "b1": "0-2.1",
        "b2": "0-2.2",
        "c1": "0-3.1",
        "c2": "0-3.2",
    }


def test_other_task_shows_inside_steps_only(run: Run, flush: Callable[[], Position]) -> None:
    async def show_beside() -> None:
        with pytest.raises(UsageError, match="own task only"):
            run.emit(markdown("beside"))
        step = await asyncio.wrap_future(run.begin_step("inside"))
        step_key.set(step.key)
        run.emit(markdown("inside"))
        await asyncio.wrap_future(run.end_step(step, StepOutcome()))

    async def main() -> None:
        run.task = asyncio.current_task()
        await asyncio.create_task(show_beside())
        run.emit(markdown("own"))

    asyncio.run(main())
    flush()
    assert texts(run.session_id) == ["inside", "own"]
