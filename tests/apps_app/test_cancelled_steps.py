"""A step that an async app gives up, under way or before or after; and what only looks like that."""

import asyncio
from concurrent.futures import Future

import pytest

import apps_app.dsl as yr
from apps_app.dsl.runtime import StepOutcome
from tests.apps_app.playing import Played, played, played_by


async def for_ever():
    await asyncio.Event().wait()


async def lose(patience):
    """Work that is given up as soon as it has begun."""
    patience.reschedule(0)
    await for_ever()


def own_task():
    task = asyncio.current_task()
    assert task is not None
    return task


class OneThingAtATime(Played):
    """Shows nothing while a step is under way, as the server does it."""

    def __init__(self, answers=()):
        super().__init__(answers)
        self.under_way = []

    def begin_step(self, name):
        self.under_way.append(name)
        return super().begin_step(name)

    def end_step(self, step, outcome):
        self.under_way.remove(step.name)
        return super().end_step(step, outcome)

    def abandon_step(self, step):
        self.under_way.remove(step.name)
        super().abandon_step(step)

    def emit(self, event):
        assert not self.under_way
        super().emit(event)


def test_an_app_goes_on_after_a_step_that_it_has_given_up():
    """It may show, ask and begin the next step."""

    async def app() -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as patience:
                await yr.astep(lose, patience)
        yr.markdown("after")
        await yr.atext_input()
        return await yr.astep(lambda: "done", name="next")

    run = played_by(OneThingAtATime(["x"]), app)

    assert run.returned == "done"
    assert run.block_ids() == ["markdown-1", "input_request-1"]
    assert [step.name for step in run.abandoned] == ["lose"]
    assert [step.name for step, _ in run.steps] == ["next"]


def test_steps_side_by_side_are_given_up_together():
    async def app():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as patience:
                others = [yr.astep(for_ever, name=name) for name in "ab"]
                await asyncio.gather(*others, yr.astep(lose, patience))
        yr.markdown("after")

    run = played_by(OneThingAtATime(), app)

    assert sorted(step.name for step in run.abandoned) == ["a", "b", "lose"]
    assert (run.block_ids(), run.steps) == (["markdown-1"], [])


def test_a_step_that_gives_up_something_of_its_own_is_not_given_up():
    async def patient():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await for_ever()
        return "went on"

    async def app() -> str:
        return await yr.astep(patient)

    run = played_by(OneThingAtATime(), app)

    assert (run.returned, run.abandoned) == ("went on", [])


class Impatient(Played):
    """Cancels the app's task as soon as it calls the method named `at`."""

    def __init__(self, at, recorded=None):
        super().__init__(recorded=recorded)
        self.at = at

    def begin_step(self, name):
        return self.cancelled_at("begin_step", super().begin_step(name))

    def end_step(self, step, outcome):
        return self.cancelled_at("end_step", super().end_step(step, outcome))

    def cancelled_at(self, method, future):
        if method == self.at:
            own_task().cancel()
        return future


class NeverBegun(Impatient):
    """Its steps wait for ever to begin."""

    def begin_step(self, name):
        self.beginning = self.cancelled_at("begin_step", Future())
        return self.beginning


async def app_that_is_cancelled():
    with pytest.raises(asyncio.CancelledError):
        await yr.astep(lambda: 1, name="lost")
    own_task().uncancel()
    yr.markdown("after")


@pytest.mark.parametrize("at", ["begin_step", "end_step"])
def test_a_step_is_given_up_while_it_begins_or_ends(at):
    run = played_by(Impatient(at), app_that_is_cancelled)

    assert run.returned == "None"
    assert [step.name for step in run.abandoned] == ["lost"]
    assert run.block_ids() == ["markdown-1"]


def test_a_recorded_step_is_not_given_up():
    run = played_by(Impatient("begin_step", {"0.1": StepOutcome(b"1")}), app_that_is_cancelled)

    assert (run.returned, run.abandoned) == ("None", [])


def test_a_step_that_has_not_begun_is_not_given_up():
    """The runtime sees that nobody waits for it any more."""
    run = played_by(NeverBegun("begin_step"), app_that_is_cancelled)

    assert (run.returned, run.abandoned) == ("None", [])
    assert run.beginning.cancelled()


def test_a_step_whose_own_work_is_cancelled_has_failed():
    """It is not the app that gives it up, so a replay must not wait for that."""

    async def work():
        task = asyncio.create_task(for_ever())
        task.cancel()
        await task

    async def app():
        with pytest.raises(yr.StepError, match="CancelledError"):
            await yr.astep(work)

    run = played_by(OneThingAtATime(), app)

    assert (run.returned, run.abandoned) == ("None", [])
    assert [outcome.error for _, outcome in run.steps] == ["CancelledError: "]


def test_a_cancellation_inside_a_sync_app_is_a_failure_of_the_step():
    def work():
        raise asyncio.CancelledError("by its library")

    run = played(lambda: yr.step(work))

    assert [outcome.error for _, outcome in run.steps] == ["CancelledError: by its library"]
    assert (run.exit["error_cause"]["error_type"], run.abandoned) == ("StepError", [])


def test_a_step_that_is_given_up_leaves_the_layouts_as_they_were():
    async def show(patience):
        async with yr.container():
            yr.markdown("inside")
            await lose(patience)

    async def app():
        async with yr.columns(1):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(None) as patience:
                    await yr.astep(show, patience)
            yr.markdown("after")

    assert played(app).shapes() == [
        ("columns-1", 1, None),
        ("container-1", 1, "columns-1"),
        ("markdown-1", 1, "container-1"),
        ("container-1", 1, "columns-1"),
        ("markdown-2", 1, "columns-1"),
        ("columns-1", 1, None),
    ]
