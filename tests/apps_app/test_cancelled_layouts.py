"""What an async app may give up: a layout, before or while it asks."""

import asyncio
from concurrent.futures import Future

import pytest

import apps_app.dsl as yr
from apps_app.dsl.runtime import UsageError
from tests.apps_app.playing import Played, played, played_by


async def for_ever():
    await asyncio.Event().wait()


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


def test_a_form_that_nobody_answers_in_time_has_no_answers():
    async def app():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), yr.form() as form:
                await yr.atext_input()
        form.result()

    run = played_by(Unanswered(), app)

    assert "form-1 has no answers" in run.exit["reason"]
    assert run.block_ids() == ["form-1", "input_request-1", "form-1"]
