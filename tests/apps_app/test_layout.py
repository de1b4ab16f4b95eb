"""Layouts: parents, their end, and the wait for the prompts inside."""

import asyncio
import datetime

import pytest

import apps_app.dsl as yr
from apps_app.dsl.app import play
from apps_app.dsl.runtime import Stopped
from tests.apps_app.playing import played
from tests.apps_app.recording import RecordingRuntime


@pytest.mark.parametrize(
    ("layout", "data"),
    [
        (lambda: yr.columns(2), {"showBorder": False, "column_count": 2}),
        (lambda: yr.columns(3, border=True), {"showBorder": True, "column_count": 3}),
        (lambda: yr.container(), {"showBorder": False}),
        (lambda: yr.container(border=True), {"showBorder": True}),
        (lambda: yr.form(), {"showBorder": False}),
        (lambda: yr.form(border=True), {"showBorder": True}),
    ],
)
def test_a_layout_opens_and_ends(layout, data):
    def show():
        with layout():
            pass

    run = played(show)

    opened, ended = run.events[:-1]
    assert (opened["event_class"], opened["data"]) == ("structure", data)
    assert (ended["event_class"], ended["block_type"], ended["data"]) == ("control", "layout_end", {})
    assert run.shapes() == [(opened["block_id"], 1, None), (opened["block_id"], 1, None)]
    assert run.asked == []


def test_blocks_inside_name_the_innermost_layout():
    def show():
        with yr.columns(2):
            yr.markdown("left")
            with yr.container():
                yr.markdown("right")
            yr.markdown("below")
        yr.markdown("outside")

    assert played(show).shapes() == [
        ("columns-1", 1, None),
        ("markdown-1", 1, "columns-1"),
        ("container-1", 1, "columns-1"),
        ("markdown-2", 1, "container-1"),
        ("container-1", 1, "columns-1"),
        ("markdown-3", 1, "columns-1"),
        ("columns-1", 1, None),
        ("markdown-4", 1, None),
    ]


def test_leaving_waits_for_all_prompts_inside():
    def ask():
        with yr.container():
            yr.text_input("a")
            yr.markdown("between")
            yr.slider(0, 1, "b")
        yr.markdown("after")

    run = played(ask, "x", 1)

    assert [[prompt.block_id for prompt in prompts] for prompts in run.asked] == [
        ["input_request-1", "slider-1"]
    ]
    assert [block_id for block_id, *_ in run.shapes()] == [
        "container-1",
        "input_request-1",
        "markdown-1",
        "slider-1",
        "container-1",
        "markdown-2",
    ]


def test_an_inner_layout_waits_for_its_own_prompts():
    def ask():
        with yr.form() as form:
            yr.text_input("outer")
            with yr.columns(2):
                yr.text_input("inner")
            yr.text_input("outer again")
        yr.exit(return_value=form.result())

    run = played(ask, "i", "o1", "o2")

    pending = [[(prompt.block_id, prompt.layouts) for prompt in prompts] for prompts in run.asked]
    assert pending == [
        [("input_request-2", ["form-1", "columns-1"])],
        [("input_request-1", ["form-1"]), ("input_request-3", ["form-1"])],
    ]
    assert run.returned == "('o1', 'o2')"


def test_a_form_gives_its_answers_typed_and_in_order():
    got = []

    def ask():
        with yr.form() as form:
            yr.date_picker("When")
            yr.text_input("Who")
            yr.buttons(["a", "b"])
            yr.slider(0, 10, "How much")
        got.append(form.result())

    async def aask():
        async with yr.form() as form:
            await yr.adate_picker("When")
            await yr.atext_input("Who")
            await yr.abuttons(["a", "b"])
            await yr.aslider(0, 10, "How much")
        got.append(await form.aresult())

    answers = ["2025-02-01", "Ada", "b", "3"]
    played(ask, *answers)
    played(aask, *answers)

    assert got == [(datetime.date(2025, 2, 1), "Ada", "b", 3.0)] * 2
    assert [type(value) for value in got[0]] == [datetime.date, str, str, float]


def test_a_form_without_prompts_has_no_answers():
    def ask():
        with yr.form() as form:
            pass
        yr.exit(return_value=form.result())

    assert played(ask).returned == "()"


def test_a_form_has_no_result_before_it_is_left():
    def ask():
        with yr.form() as form:
            yr.text_input()
            form.result()

    run = played(ask, "x")

    assert run.exit["error_cause"]["error_type"] == "UsageError"
    assert "form-1 has no answers yet" in run.exit["reason"]


def test_leaving_waits_while_an_exception_passes():
    def ask():
        with pytest.raises(KeyError), yr.form() as form:
            yr.text_input()
            raise KeyError
        yr.markdown(form.result()[0])

    run = played(ask, "answered")

    assert run.data("markdown") == [{"content": "answered"}]
    assert run.shapes()[-1] == ("markdown-1", 1, None)


def test_a_layout_is_not_ended_once_the_session_is_over():
    def ask():
        with yr.columns(1), yr.form():
            yr.text_input()
            yr.exit(3)

    run = played(ask)

    assert run.asked == []
    assert [e["block_type"] for e in run.events] == ["columns", "form", "input_request", "exit"]
    assert run.events[-1]["parent_block_id"] == "form-1"


def test_a_stopped_wait_passes_through_all_layouts():
    class Stopping(RecordingRuntime):
        def ask(self, prompts, closing):
            self.emit(closing)
            raise Stopped

    def ask():
        with yr.columns(1), yr.form():
            yr.text_input()

    runtime = Stopping()
    with pytest.raises(Stopped):
        play(yr.app(ask), runtime)
    assert [e["block_id"] for e in runtime.events] == ["columns-1", "form-1", "input_request-1", "form-1"]


def test_a_cancelled_block_closes_nothing():
    async def show():
        with pytest.raises(asyncio.CancelledError):
            async with yr.container():
                await yr.atext_input()
                raise asyncio.CancelledError
        yr.markdown("after")

    run = played(show)

    assert run.asked == []
    assert run.shapes()[-1] == ("markdown-1", 1, None)


def test_async_layouts_nest():
    async def show():
        async with yr.columns(2), yr.container():
            yr.markdown("in")

    assert played(show).shapes() == [
        ("columns-1", 1, None),
        ("container-1", 1, "columns-1"),
        ("markdown-1", 1, "container-1"),
        ("container-1", 1, "columns-1"),
        ("columns-1", 1, None),
    ]


def test_an_async_app_opens_layouts_with_async_with():
    async def show():
        with yr.form():
            pass

    run = played(show)

    assert run.exit["error_cause"]["error_type"] == "UsageError"
    assert "`async with`" in run.exit["reason"]
    assert run.shapes() == []


def test_a_layout_can_be_opened_again():
    def ask():
        form = yr.form()
        for name in "ab":
            with form:
                yr.text_input(name)
        yr.exit(return_value=form.result())

    run = played(ask, "first", "second")

    assert run.shapes() == [
        ("form-1", 1, None),
        ("input_request-1", 1, "form-1"),
        ("form-1", 1, None),
        ("form-1", 2, None),
        ("input_request-2", 1, "form-1"),
        ("form-1", 1, None),
    ]
    assert run.returned == "('second',)"


def test_a_layout_is_not_opened_inside_itself():
    def show():
        with yr.container() as layout, layout:
            pass

    assert "container-1 is open already" in played(show).exit["reason"]


def test_steps_side_by_side_do_not_see_each_others_layouts():
    async def card(text, mine, other):
        async with yr.container():
            mine.set()
            await other.wait()
            yr.markdown(text)

    async def show():
        first, second = asyncio.Event(), asyncio.Event()
        await asyncio.gather(yr.astep(card, "a", first, second), yr.astep(card, "b", second, first))
        yr.markdown("after")

    run = played(show)

    parents = {e["data"]["content"]: e["parent_block_id"] for e in run.events if "content" in e["data"]}
    assert parents == {"a": "container-1", "b": "container-2", "after": None}


def test_a_nested_app_shows_inside_the_callers_layout():
    @yr.app(model=False)
    def inner():
        yr.markdown("inner")

    def outer():
        with yr.container():
            inner()

    event = played(outer).events[1]

    assert (event["parent_block_id"], event["app"]["name"]) == ("container-1", inner.id)
