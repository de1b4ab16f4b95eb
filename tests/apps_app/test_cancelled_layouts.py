"""What an async app may give up: a layout before or while it asks, a step under way."""

import asyncio
from concurrent.futures import Future

import pytest

import apps_app.dsl as yr
from apps_app.dsl.app import aplay
from apps_app.dsl.runtime import Exited, StepOutcome, UsageError
from tests.apps_app.playing import Played, played


async def for_ever():
    await asyncio.Event().wait()


async def lose(patience):
    """Work that is given up as soon as it has begun."""
    patience.reschedule(0)
    await for_ever()


def block_ids(run):
    return [block_id for block_id, *_ in run.shapes()]


# Layouts.


def test_a_form_that_is_given_up_is_ended_and_asks_nothing():
    async def app():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), yr.form() as form:
                await yr.atext_input()
                await for_ever()
        with pytest.raises(UsageError, match="form-1 has no answers"):
            form.result()
        yr.markdown("after")

    run = played(app)

    assert run.returned == "None"
    assert run.asked == []
    assert run.events[2]["block_type"] == "layout_end"
    assert run.shapes() == [
        ("form-1", 1, None),
        ("input_request-1", 1, "form-1"),
        ("form-1", 1, None),
        ("markdown-1", 1, None),
    ]


def test_layouts_inside_one_another_are_all_ended():
    async def app():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), yr.columns(2), yr.form(), yr.container():
                await yr.atext_input()
                await for_ever()

    run = played(app)

    ended = [e["block_id"] for e in run.events if e["block_type"] == "layout_end"]
    assert ended == ["container-1", "form-1", "columns-1"]
    assert run.asked == []


def test_a_timeout_inside_a_form_is_an_exception_like_any_other():
    """It has become one when the form is left, so the form asks while it passes."""

    async def app():
        with pytest.raises(TimeoutError):
            async with yr.form() as form:
                await yr.atext_input()
                async with asyncio.timeout(0):
                    await for_ever()
        yr.exit(return_value=form.result())

    assert played(app, "answered").returned == "('answered',)"


def test_a_form_that_is_given_up_can_be_opened_again():
    async def app():
        form = yr.form()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), form:
                await yr.atext_input()
                await for_ever()
        async with form:
            await yr.atext_input()
        yr.exit(return_value=form.result())

    run = played(app, "the second")

    assert run.returned == "('the second',)"
    assert [[prompt.block_id for prompt in prompts] for prompts in run.asked] == [["input_request-2"]]


class Unanswered(Played):
    """Asks a user who is not there."""

    def ask(self, prompts, closing):
        self.emit(closing)
        return Future()


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


def played_by(runtime, function):
    with pytest.raises(Exited):
        asyncio.run(aplay(yr.app(model=False)(function), runtime))
    return runtime


def test_a_form_that_nobody_answers_in_time_has_no_answers():
    async def app():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), yr.form() as form:
                await yr.atext_input()
        form.result()

    run = played_by(Unanswered(), app)

    assert "form-1 has no answers" in run.exit["reason"]
    assert block_ids(run) == ["form-1", "input_request-1", "form-1"]


# Steps.


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
    assert block_ids(run) == ["markdown-1", "input_request-1"]
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
    assert (block_ids(run), run.steps) == (["markdown-1"], [])


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
            asyncio.current_task().cancel()
        return future


class NeverBegun(Impatient):
    """Its steps wait for ever to begin."""

    def begin_step(self, name):
        self.beginning = self.cancelled_at("begin_step", Future())
        return self.beginning


async def app_that_is_cancelled():
    with pytest.raises(asyncio.CancelledError):
        await yr.astep(lambda: 1, name="lost")
    asyncio.current_task().uncancel()
    yr.markdown("after")


@pytest.mark.parametrize("at", ["begin_step", "end_step"])
def test_a_step_is_given_up_while_it_begins_or_ends(at):
    run = played_by(Impatient(at), app_that_is_cancelled)

    assert run.returned == "None"
    assert [step.name for step in run.abandoned] == ["lost"]
    assert block_ids(run) == ["markdown-1"]


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
