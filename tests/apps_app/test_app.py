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
