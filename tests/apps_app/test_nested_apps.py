"""Apps that call apps: what comes back, whose name is shown, and what ends the session."""

import asyncio
from typing import Any

import pytest

import apps_app.dsl as yr
from tests.apps_app.playing import played


def test_a_nested_app_gives_its_value_and_shows_under_its_own_name():
    @yr.app(model=False)
    def shout(text: str) -> str:
        yr.markdown(text)
        return text.upper()

    def app() -> str:
        text = yr.markdown("outer")
        value = shout("hello")
        text.append("outer again")
        return value

    run = played(app)

    assert run.returned == "HELLO"
    outer, inner = f"{__name__}.app", f"{__name__}.shout"
    assert [event["app"]["name"] for event in run.events] == [outer, inner, outer, outer]


def test_a_handle_shows_under_the_app_that_uses_it():
    @yr.app(model=False)
    def helper(text: Any) -> None:
        text.append("from the helper")

    def app():
        helper(yr.markdown("mine"))

    assert [event["app"]["name"] for event in played(app).events[:2]] == [f"{__name__}.app", helper.id]


@pytest.mark.parametrize("is_async", [False, True])
def test_an_exception_that_leaves_a_nested_app_ends_the_session_whoever_would_catch_it(is_async):
    @yr.app(model=False)
    def boom():
        raise RuntimeError("helper failed")

    @yr.app(model=False)
    async def aboom():
        boom()

    def app():
        with yr.container():
            try:
                boom()
            except BaseException:
                yr.markdown("unseen")

    async def aapp():
        async with yr.container():
            try:
                await aboom()
            except BaseException:
                yr.markdown("unseen")

    run = played(aapp if is_async else app)

    assert [event["block_type"] for event in run.events] == ["container", "exit"]
    assert run.events[-1]["app"]["name"] == boom.id
    assert run.events[-1]["parent_block_id"] == "container-1"
    assert run.exit["error_cause"]["error_type"] == "RuntimeError"


def test_a_nested_value_of_another_type_ends_the_session():
    @yr.app(model=False)
    def wrong() -> int:
        return "text"  # type: ignore[return-value]  # that is the test

    run = played(lambda: wrong())

    assert run.events[-1]["app"]["name"] == wrong.id
    assert run.exit["error_cause"]["error_type"] == "TypeError"


def test_async_apps_call_both_kinds():
    @yr.app(model=False)
    def sync_one() -> int:
        return 1

    @yr.app(model=False)
    async def async_two() -> int:
        await asyncio.sleep(0)
        return 2

    async def app() -> int:
        return sync_one() + await async_two()

    assert played(app).returned == "3"


def test_a_sync_app_cannot_call_an_async_one():
    @yr.app(model=False)
    async def inner():
        pass

    run = played(lambda: inner())

    assert run.exit["error_cause"]["error_type"] == "UsageError"
    assert f"{inner.id} is async" in run.exit["reason"]


def test_apps_side_by_side_keep_their_names():
    both_run = asyncio.Event()

    @yr.app(model=False)
    async def one():
        await both_run.wait()
        yr.markdown("one")

    @yr.app(model=False)
    async def two():
        both_run.set()
        await asyncio.sleep(0)
        yr.markdown("two")

    async def app():
        await asyncio.gather(yr.astep(one), yr.astep(two))
        yr.markdown("app")

    run = played(app)

    shown = {event["data"]["content"]: event["app"]["name"] for event in run.events[:-1]}
    assert shown == {name: f"{__name__}.{name}" for name in ("one", "two", "app")}
