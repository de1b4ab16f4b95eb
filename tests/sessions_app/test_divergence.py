"""A changed app: it goes on where its recorded beginning still matches; else the session is paused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import apps_app.dsl as yr
from apps_app.models import App
from sessions_app.models import Session, Status
from tests.deadline import until
from tests.sessions_app.conftest import NewStage, SetApp
from tests.sessions_app.playing import APP_ID, entries, exit_of, texts
from tests.sessions_app.runners import is_running
from tests.sessions_app.stage import Stage

pytestmark = pytest.mark.django_db(transaction=True)


def original() -> str:
    yr.markdown("first")
    yr.markdown("second")
    found = yr.step(lambda: "found", name="look up")
    with yr.container():
        yr.markdown("in it")
    name = yr.text_input("Who?")
    yr.markdown(f"{found} {name}")
    return yr.text_input("And?")


@pytest.fixture
def waiting(new_stage: NewStage) -> Stage:
    """At the second question of the original, parked."""
    stage = new_stage(original)
    stage.begin()
    assert stage.pauses()
    stage.answer("Ada")
    assert stage.pauses()
    stage.park()
    return stage


def recorded(kind: str, **fields: Any) -> dict[str, Any]:
    if kind == "step":
        return {"kind": "step", "key": "0.1", "name": "look up"}
    return {"kind": "event", "chunk_id": 1, "parent_block_id": None, "app": APP_ID, **fields}


def event(block_type: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    return recorded("event", block_type=block_type, block_id=f"{block_type}-{number}", **fields)


def fewer() -> str:
    yr.markdown("first")
    return yr.step(lambda: "found", name="look up")


def extra() -> None:
    yr.markdown("first")
    yr.markdown("second")
    yr.markdown("third")


def another_block() -> None:
    yr.markdown("first")
    yr.spinner("second").update("x")


def another_chunk() -> None:
    yr.markdown("first").append("more")


def another_place() -> None:
    with yr.container():
        yr.markdown("first")


def another_name() -> None:
    yr.markdown("first")
    yr.markdown("second")
    yr.step(lambda: "found", name="search")


def no_step() -> str:
    yr.markdown("first")
    yr.markdown("second")
    with yr.container():
        yr.markdown("in it")
    name = yr.text_input("Who?")
    yr.markdown(f"found {name}")
    return yr.text_input("And?")


def asks_too_early() -> None:
    yr.markdown("first")
    yr.text_input("Who?")


def a_step_more() -> None:
    yr.markdown("first")
    yr.markdown("second")
    yr.step(lambda: "found", name="look up")
    yr.step(lambda: 1, name="new")


def raises() -> None:
    yr.markdown("first")
    raise ValueError("broken by the change")


def exits() -> None:
    yr.markdown("first")
    yr.exit(0)


SECOND = event("markdown", 2)
CHANGES: list[tuple[Callable[..., Any], int, Any, Any]] = [
    (fewer, 2, SECOND, event("exit")),
    (extra, 4, event("container"), event("markdown", 3)),
    (another_block, 2, SECOND, event("spinner")),
    (another_chunk, 2, SECOND, event("markdown", chunk_id=2)),
    (another_place, 1, event("markdown"), event("container")),
    (another_name, 3, recorded("step"), recorded("step") | {"name": "search"}),
    (no_step, 3, recorded("step"), event("exit")),
    (asks_too_early, 2, SECOND, event("input_request")),
    (a_step_more, 4, event("container"), {"kind": "step", "key": "0.2", "name": "new"}),
    (raises, 2, SECOND, event("exit")),
    (exits, 2, SECOND, event("exit")),
]


@pytest.mark.parametrize(
    ("changed", "seq", "expected", "attempted"), CHANGES, ids=[change[0].__name__ for change in CHANGES]
)
def test_change_before_the_recorded_end_pauses_the_session(
    waiting: Stage, app: SetApp, changed: Callable[..., Any], seq: int, expected: Any, attempted: Any
) -> None:
    before = entries(waiting.session.id)
    app(changed)
    waiting.answer("more")
    assert waiting.pauses()
    session = waiting.session
    assert session.status == Status.DIVERGED
    assert session.divergence == {"seq": seq, "recorded": expected, "attempted": attempted}
    assert (session.owner, session.pending, session.exit) == ("", [], None)
    assert entries(session.id)[: len(before)] == before
    assert len(entries(session.id)) == len(before) + 1  # the answer; nothing of the attempt
    assert until(lambda: not is_running(waiting.runner))
    assert ("broken by the change" in session.failure) == (changed is raises)


def test_change_behind_the_recorded_end_goes_on(waiting: Stage, app: SetApp) -> None:
    @app
    def main() -> str:
        return original() + yr.text_input("One more?")

    waiting.answer("b")
    assert waiting.pauses()
    assert (waiting.status(), len(waiting.session.pending)) == (Status.WAITING, 1)
    waiting.answer("c")
    assert waiting.pauses()
    assert exit_of(waiting.session)["return_value"] == "bc"


def test_other_data_is_no_divergence(waiting: Stage, app: SetApp) -> None:
    """The recorded one stands, an answer of which an option is gone too."""

    @app
    def main() -> str:
        for text in ("1st", "2nd"):
            yr.markdown(text)
        found = yr.step(lambda: "something else", name="look up")
        with yr.container(border=True):
            yr.markdown("within")
        name = yr.text_input("What is your name?")
        yr.markdown(f"{found}: {name}")
        return found + yr.text_input()

    waiting.answer("b")
    assert waiting.pauses()
    assert exit_of(waiting.session)["return_value"] == "foundb"
    assert texts(waiting.session.id) == ["first", "second", "in it", "found Ada"]


def test_recorded_answer_stands_though_its_option_is_gone(new_stage: NewStage, app: SetApp) -> None:
    options = ["red", "green"]

    def main() -> str:
        return yr.buttons(options) + yr.text_input()

    stage = new_stage(main)
    stage.begin()
    assert stage.pauses()
    stage.answer("green")
    assert stage.pauses()
    stage.park()
    options[:] = ["blue"]
    stage.answer("!")
    assert stage.pauses()
    assert exit_of(stage.session)["return_value"] == "green!"


def test_app_that_does_not_load_any_more_pauses_its_sessions(waiting: Stage) -> None:
    App.objects.filter(id=APP_ID).update(entry_point="/nowhere/one_app.py:main")
    waiting.answer("more")
    assert waiting.pauses()
    assert waiting.session.status == Status.DIVERGED
    assert waiting.session.divergence is not None
    assert waiting.session.divergence["attempted"]["kind"] == "load"
    assert "No such file" in waiting.session.divergence["attempted"]["error"]
    assert "No such file" in waiting.session.failure


def test_session_knows_the_file_that_it_was_last_played_with(new_stage: NewStage, tmp_path: Any) -> None:
    """It is that of its beginning until a changed one has matched."""
    file = tmp_path / "one_app.py"
    code = "import yera as yr\n@yr.app\ndef main() -> str:\n    return yr.text_input() + yr.text_input()\n"
    file.write_text(code)
    App.objects.filter(id=APP_ID).update(entry_point=f"{file}:main")
    stage = new_stage(original)
    stage.begin(f"{file}:main")
    assert stage.pauses()
    stage.park()
    stage.answer("a")
    assert stage.pauses()
    first = stage.session.code_hash
    stage.park()
    file.write_text(code.replace("text_input()\n", "text_input('again?')\n"))
    stage.kill()
    Session.objects.filter(id=stage.session.id).update(status=Status.RUNNING)
    stage.runner.wake(stage.session.id)
    assert stage.pauses()
    assert stage.status() == Status.WAITING
    assert len(first) == 64
    assert stage.session.code_hash not in ("", first)
