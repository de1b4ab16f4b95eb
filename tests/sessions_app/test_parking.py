"""Parking: a session that waits costs a row; its app is unwound, and may do nothing on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import apps_app.dsl as yr
from apps_app.dsl.runtime import Parked
from sessions_app.models import Session, Status
from sessions_app.writes import Write
from tests.deadline import until
from tests.sessions_app.conftest import NewStage
from tests.sessions_app.playing import entries, exit_of, texts
from tests.sessions_app.runners import SECONDS, ask_once, ask_once_async, is_running
from tests.sessions_app.stage import Stage, play_to_end

pytestmark = pytest.mark.django_db(transaction=True)


def owner(stage: Stage) -> str:
    return Session.objects.values_list("owner", flat=True).get(id=stage.session.id)


@pytest.mark.parametrize("function", [ask_once, ask_once_async])
def test_parked_session_is_a_row(new_stage: NewStage, function: Callable[..., Any]) -> None:
    stage = new_stage(function)
    stage.begin()
    assert stage.pauses()
    epoch, last_seq = stage.session.epoch, stage.session.last_seq
    stage.park()
    assert until(lambda: not is_running(stage.runner))
    stage.session.refresh_from_db()
    assert (stage.session.status, stage.session.owner) == (Status.WAITING, "")
    assert (stage.session.epoch, stage.session.last_seq) == (epoch, last_seq)
    assert stage.session.pending
    stage.answer("me")
    assert stage.pauses()
    assert exit_of(stage.session)["return_value"] == "me"


@pytest.mark.parametrize(
    ("setting", "value", "expected"), [("YERA_HOT_SECONDS", 0, 0), ("YERA_HOT_RUNS", 2, 2)]
)
def test_hot_runs_are_bounded(
    new_stage: NewStage, settings: Any, setting: str, value: int, expected: int
) -> None:
    """In time, and in number: those that have waited longest go first."""
    setattr(settings, setting, value)
    first = new_stage(ask_once)
    stages = [first, *(first.beside() for _ in range(4))]
    for stage in stages:
        stage.begin()
        assert stage.pauses()
    first.runner.sweep()
    assert until(lambda: Session.objects.owned().count() == expected)
    assert [bool(owner(stage)) for stage in stages] == [False] * (5 - expected) + [True] * expected
    for stage in stages:
        stage.answer("x")
        assert stage.pauses()
        assert stage.status() == Status.FINISHED


def test_busy_session_is_not_parked(new_stage: NewStage) -> None:
    may_end = threading.Event()

    def main() -> None:
        yr.markdown("working")
        assert may_end.wait(SECONDS)

    stage = new_stage(main)
    stage.begin()
    assert until(lambda: texts(stage.session.id) == ["working"])
    stage.runner.park_idle(0)
    assert owner(stage)
    may_end.set()
    assert stage.pauses()


# On the way out.


def test_what_the_app_does_while_it_is_unwound_is_not_done(new_stage: NewStage) -> None:
    """Emit, ask and step raise the same again, also in `finally` and past a bare `except:`."""
    raised: list[type[BaseException]] = []

    def attempt(call: Callable[[], Any]) -> None:
        try:
            call()
        except BaseException as error:
            raised.append(type(error))

    def main() -> str:
        try:
            return yr.text_input()
        except:
            for call in (
                lambda: yr.markdown("no"),
                lambda: yr.text_input("no?"),
                lambda: yr.step(raised.clear),
                yr.now,
                lambda: yr.sleep(1),
                lambda: yr.exit(3),
            ):
                attempt(call)
            raise
        finally:
            attempt(lambda: yr.markdown("nor this"))

    stage = new_stage(main)
    stage.begin()
    assert stage.pauses()
    stage.park()
    assert until(lambda: not is_running(stage.runner))
    assert raised == [Parked] * 7
    assert [entry.seq for entry in entries(stage.session.id)] == [1]
    stage.answer("me")
    assert stage.pauses()
    assert exit_of(stage.session)["return_value"] == "me"


def test_app_that_swallows_its_end_has_no_say_any_more(new_stage: NewStage) -> None:
    def main() -> str:
        try:
            return yr.text_input()
        except BaseException:
            return "swallowed"

    stage = new_stage(main)
    stage.begin()
    assert stage.pauses()
    stage.park()
    stage.answer("me")
    assert stage.pauses()
    assert exit_of(stage.session)["return_value"] == "me"


def test_answer_that_comes_while_the_app_is_unwound(new_stage: NewStage) -> None:
    """The next run does not wait for the last one to be gone."""
    unwinding, may_end = threading.Event(), threading.Event()

    def main() -> str:
        try:
            return yr.text_input()
        except BaseException:
            unwinding.set()
            may_end.wait(SECONDS)
            raise

    stage = new_stage(main)
    stage.begin()
    assert stage.pauses()
    stage.park()
    assert unwinding.wait(SECONDS)
    stage.answer("me")
    assert stage.pauses()
    assert exit_of(stage.session)["return_value"] == "me"
    may_end.set()
    assert until(lambda: not is_running(stage.runner))
    assert [entry.kind for entry in entries(stage.session.id)] == ["event", "interaction", "event"]


def test_answer_that_is_recorded_first_wins_over_parking(new_stage: NewStage) -> None:
    """Its message has not come yet: the row says that the session is to go on."""
    stage = new_stage(ask_once)
    stage.begin()
    assert stage.pauses()
    stage.record("me")
    stage.runner.park_idle(0)
    assert stage.pauses()
    assert (stage.session.epoch, exit_of(stage.session)["return_value"]) == (2, "me")  # never taken up again


def test_half_an_answer_then_parked_then_the_rest(new_stage: NewStage) -> None:
    def main() -> str:
        with yr.form() as form:
            yr.text_input("a")
            yr.text_input("b")
            yr.text_input("c")
        return str(form.result())

    story = play_to_end(new_stage(main), ["1", "2", "3"], lambda stage: stage.park())
    assert story[-1][-1]["return_value"] == "('1', '2', '3')"


def test_zombie_writes_nothing(new_stage: NewStage) -> None:
    """A runner that was thought dead goes on in its app's code after another has taken the session up."""
    begun, may_go_on = threading.Semaphore(0), threading.Event()
    executed: list[int] = []

    def main() -> str:
        begun.release()
        assert may_go_on.wait(SECONDS)
        yr.markdown("one voice")
        yr.step(executed.append, 1)
        return "done"

    stage = new_stage(main)
    stage.begin()
    assert begun.acquire(timeout=SECONDS)
    stage.kill(end_runs=False)
    assert begun.acquire(timeout=SECONDS)
    may_go_on.set()
    assert stage.pauses()
    assert texts(stage.session.id) == ["one voice"]
    assert until(lambda: not is_running(stage.runner))
    assert executed == [1]


def test_cancel_beats_parking(new_stage: NewStage) -> None:
    stage = new_stage(ask_once)
    stage.begin()
    assert stage.pauses()
    stage.cancel()
    stage.runner.park_idle(0)
    assert stage.status() == Status.CANCELLED
    assert until(lambda: not is_running(stage.runner))


def test_session_that_changed_hands_is_not_parked(new_stage: NewStage) -> None:
    stage = new_stage(ask_once)
    stage.begin()
    assert stage.pauses()
    taken = Write(stage.session.id, {}, changes={"owner": "another"}, raise_epoch=True)
    stage.writer.submit(taken).result(SECONDS)
    stage.runner.park_idle(0)
    assert until(lambda: not is_running(stage.runner))
    assert owner(stage) == "another"
    Session.objects.update(owner="")
