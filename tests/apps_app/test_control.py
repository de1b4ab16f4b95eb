"""Exit, quit, chat, workspace."""

from typing import Any

import pytest
from pydantic import BaseModel

import apps_app.dsl as yr
from tests.apps_app.playing import played


def test_exit_ends_the_session_there():
    def show():
        yr.markdown("before")
        yr.exit(0, "done", {"a": 1})
        yr.markdown("after")

    run = played(show)

    assert run.shapes() == [("markdown-1", 1, None)]
    assert run.exit == {
        "exit_code": 0,
        "reason": "done",
        "return_type": "dict",
        "return_value": "{'a': 1}",
    }


def test_exit_without_arguments_is_a_success():
    assert played(lambda: yr.exit()).exit == {
        "exit_code": 0,
        "reason": None,
        "return_type": "NoneType",
        "return_value": "None",
    }


def test_a_model_is_returned_as_json():
    class Point(BaseModel):
        x: int

    exit_data = played(lambda: yr.exit(return_value=Point(x=1))).exit

    assert (exit_data["return_type"], exit_data["return_value"]) == ("Point", '{"x":1}')


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        (None, {"error_type": "unknown", "block_type": None}),
        ("Overload", {"error_type": "Overload", "block_type": None}),
        (KeyError("k"), {"error_type": "KeyError", "block_type": None}),
        ({"error_type": "mine"}, {"error_type": "mine", "block_type": None}),
        ({"error_type": "mine", "block_type": "table"}, {"error_type": "mine", "block_type": "table"}),
    ],
)
def test_a_failed_exit_has_a_cause(cause, shown):
    run = played(lambda: yr.exit(3, "asked to stop", error_cause=cause))

    assert run.exit["exit_code"] == 3
    assert run.exit["error_cause"] == shown
    assert ("KeyError: 'k'" in run.failure) == isinstance(cause, KeyError)


def test_a_success_has_no_cause():
    assert "error_cause" not in played(lambda: yr.exit(0, error_cause="Overload")).exit


def test_an_exit_that_cannot_be_is_a_failure():
    wrong: Any = "x"
    assert played(lambda: yr.exit(wrong)).exit["error_cause"]["error_type"] == "ValidationError"


def test_nothing_is_shown_after_the_exit():
    def show():
        try:
            yr.exit(3)
        except BaseException:  # noqa: S110 - as careless as an app can be
            pass
        finally:
            yr.markdown("after")

    run = played(show)

    assert run.shapes() == []
    assert run.exit["exit_code"] == 3


def test_exit_carries_the_name_of_the_app_and_the_layout_it_came_from():
    @yr.app(model=False)
    def inner():
        yr.exit(0, "inner")

    def outer():
        with yr.container():
            inner()

    event = played(outer).events[-1]

    assert (event["app"]["name"], event["parent_block_id"]) == (inner.id, "container-1")


def test_quit_is_the_users_wish():
    assert played(lambda: yr.quit()).exit == {
        "exit_code": 0,
        "reason": "User quit",
        "return_type": "NoneType",
        "return_value": "None",
    }


def echo(stop_str="/quit"):
    def app():
        for text in yr.chat(stop_str):
            yr.markdown(text)
        yr.markdown("after the loop")

    async def aapp():
        async for text in yr.achat(stop_str):
            yr.markdown(text)
        yr.markdown("after the loop")

    return app, aapp


@pytest.mark.parametrize("app", echo(), ids=["chat", "achat"])
def test_chat_asks_until_the_user_quits(app):
    run = played(app, "hello", "", "what is /quit?", "/quit now")

    assert [data["content"] for data in run.data("markdown")] == ["hello", "", "what is /quit?"]
    assert run.data("input_request") == [{"type": "text", "message": ""}] * 4
    assert run.exit["reason"] == "User quit"


@pytest.mark.parametrize("app", echo("bye"), ids=["chat", "achat"])
def test_chat_stops_at_another_word(app):
    run = played(app, "/quit", "bye-bye")

    assert [data["content"] for data in run.data("markdown")] == ["/quit"]


def test_a_chat_can_be_left():
    def app() -> str:
        for text in yr.chat():
            if text == "enough":
                break
        return text

    assert played(app, "hello", "enough").returned == "enough"


def test_chat_is_refused_in_an_async_app():
    async def app():
        next(yr.chat())

    assert "use yr.achat" in played(app).exit["reason"]


def test_a_workspace_remembers():
    def app() -> str:
        yr.workspace["a"] = 1
        yr.workspace.set("b", 2)
        del yr.workspace["a"]
        assert "a" not in yr.workspace
        assert "b" in yr.workspace
        assert yr.workspace.get("a") is None
        assert yr.workspace.get("a", 5) == 5
        assert list(yr.workspace) == ["b"]
        assert len(yr.workspace) == 1
        return str(yr.workspace["b"])

    assert played(app).returned == "2"


def test_an_unknown_key_is_a_key_error():
    assert played(lambda: yr.workspace["nope"]).exit["error_cause"]["error_type"] == "KeyError"


def test_each_call_of_a_nested_app_has_a_workspace_of_its_own():
    @yr.app(model=False)
    def inner() -> int:
        yr.workspace["calls"] = yr.workspace.get("calls", 0) + 1
        return yr.workspace["calls"]

    def outer() -> str:
        yr.workspace["calls"] = 10
        return f"{inner()} {inner()} {yr.workspace['calls']}"

    assert played(outer).returned == "1 1 10"


def test_a_session_has_a_workspace_of_its_own():
    def app() -> bool:
        before = "k" in yr.workspace
        yr.workspace["k"] = 1
        return before

    assert [played(app).returned, played(app).returned] == ["False", "False"]


def test_a_step_only_reads_the_workspace():
    def read_and_write():
        assert yr.workspace["k"] == 1
        yr.workspace["k"] = 2

    def app():
        yr.workspace["k"] = 1
        with pytest.raises(yr.StepError, match="UsageError: A step cannot write to the workspace"):
            yr.step(read_and_write)
        yr.exit(return_value=yr.workspace["k"])

    assert played(app).returned == "1"
