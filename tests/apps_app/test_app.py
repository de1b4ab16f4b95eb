"""The decorator, and how a session comes to its exit."""

import asyncio
import datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

import apps_app.dsl as yr
from apps_app.dsl.app import MODULE_PREFIX, App, TaskExit, aplay, play
from apps_app.dsl.runtime import Stopped
from tests.apps_app.playing import Played, played


class Point(BaseModel):
    x: int


class Size(TypedDict):
    width: int


class TextOf(str):
    __slots__ = ()


def test_a_bare_decorator():
    @yr.app
    def hello():
        """Says hello."""

    assert isinstance(hello, App)
    assert hello.id == f"{__name__}.hello"
    assert (hello.name, hello.description) == ("hello", "Says hello.")
    assert (hello.model, hello.sys_prompt, hello.is_async) == (None, None, False)


def test_a_decorator_with_keywords():
    @yr.app(name="Hello", description="Greets", model=False, sys_prompt="Be kind.")
    async def hello():
        """Not shown."""

    assert (hello.name, hello.description) == ("Hello", "Greets")
    assert (hello.model, hello.sys_prompt, hello.is_async) == (False, "Be kind.", True)


def test_the_id_is_that_of_the_file():
    def main():
        pass

    main.__module__ = f"{MODULE_PREFIX}sub.greet"

    assert yr.app(main).id == "sub.greet.main"
    assert repr(yr.app(main)) == "<App sub.greet.main>"


def test_an_app_needs_a_running_session():
    with pytest.raises(yr.UsageError, match="needs a running session"):
        yr.app(lambda: None)()


def test_the_exit_of_a_normal_return():
    def app():
        yr.markdown("x")

    run = played(app)

    assert run.exit == {
        "exit_code": 0,
        "reason": "Yera program completed successfully.",
        "return_type": "NoneType",
        "return_value": "None",
    }
    assert run.events[-1]["app"] == {"name": f"{__name__}.app", "instance_id": 0}
    assert run.failure == ""


@pytest.mark.parametrize(
    ("annotation", "value", "return_type", "return_value"),
    [
        (None, None, "NoneType", "None"),
        (str, "text", "str", "text"),
        (str, TextOf("sub"), "TextOf", "sub"),
        (int, True, "bool", "True"),
        (datetime.date, datetime.date(2025, 1, 2), "date", "2025-01-02"),
        (str | None, None, "NoneType", "None"),
        (int | str, "u", "str", "u"),
        (list[int], [1, 2], "list", "[1, 2]"),
        (dict[str, int | None], {"a": None}, "dict", "{'a': None}"),
        (Literal["a", "b"], "a", "str", "a"),
        (list[Point], [Point(x=1)], "list", "[Point(x=1)]"),
        (Size, {"width": 1}, "dict", "{'width': 1}"),
        (Point, Point(x=1), "Point", '{"x":1}'),
        (Any, 2.5, "float", "2.5"),
    ],
    ids=repr,
)
def test_a_value_of_the_annotated_type_is_returned(annotation, value, return_type, return_value):
    def app():
        return value

    app.__annotations__["return"] = annotation
    run = played(app)

    assert run.returned == return_value
    assert run.exit["return_type"] == return_type


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (None, "value"),
        (float, 3),
        (float | None, 3),
        (int, "5"),
        (bool, 1),
        (str, None),
        (int | str, 2.5),
        (list[int], [1, "x"]),
        (Literal["a", "b"], "c"),
        (Size, {"height": 1}),
    ],
    ids=repr,
)
@pytest.mark.parametrize("is_async", [False, True])
def test_any_other_value_is_a_failure(annotation, value, is_async):
    def app():
        return value

    async def aapp():
        return value

    function = aapp if is_async else app
    function.__annotations__["return"] = annotation
    run = played(function)

    assert run.exit["exit_code"] == 1
    assert run.exit["error_cause"] == {"error_type": "TypeError", "block_type": None}
    assert f"returned {type(value).__name__}, but its annotation says" in run.exit["reason"]


def test_without_an_annotation_only_none_is_returned():
    assert played(lambda: "value").exit["error_cause"]["error_type"] == "TypeError"


def test_an_exception_is_a_failed_exit_and_its_traceback_is_for_operators():
    def app():
        raise KeyError("secret")

    run = played(app)

    assert run.exit == {
        "exit_code": 1,
        "reason": "Error during app execution: 'secret'",
        "return_type": "str",
        "return_value": None,
        "error_cause": {"error_type": "KeyError", "block_type": None},
    }
    assert "raise KeyError" in run.failure


@pytest.mark.parametrize("error", [SystemExit(3), SystemExit(0), TaskExit("bye")], ids=repr)
@pytest.mark.parametrize("is_async", [False, True])
def test_sys_exit_is_a_failed_exit(error, is_async):
    def app():
        raise error

    async def aapp():
        raise error

    run = played(aapp if is_async else app)

    assert run.exit["exit_code"] == 1
    assert run.exit["error_cause"]["error_type"] == "SystemExit"


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


def test_a_stop_is_not_an_outcome():
    def app():
        raise Stopped

    runtime = Played()
    with pytest.raises(Stopped):
        play(yr.app(app), runtime)
    assert runtime.events == []


def test_a_cancellation_is_not_an_outcome():
    async def app():
        raise asyncio.CancelledError

    runtime = Played()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(aplay(yr.app(app), runtime))
    assert runtime.events == []
