"""A checked recording: which data differs, where a text does, and which exit is the app's."""

from __future__ import annotations

from typing import Any

import pytest

from apps_app.blocks import Exit
from apps_app.dsl.runtime import StepOutcome
from apps_app.events import Event
from sessions_app.checked_recording import MAX_DIFFERENCES, CheckedRecording
from sessions_app.replay import MismatchError
from tests.sessions_app.logs import log, markdown, shown, step
from tests.sessions_app.playing import APP_ID


def exit_event(exit_code: int = 0, app: str = APP_ID, **data: Any) -> Event:
    fields = {"reason": None, "return_type": "NoneType", "return_value": "None", **data}
    return Event("exit-1", 1, Exit(exit_code=exit_code, **fields), app)


def differences(recorded: Event, attempted: Event) -> list[str]:
    recording = CheckedRecording(log(shown(recorded), shown(markdown(number=9))))
    assert recording.play_event(attempted)
    assert len(recording.differences) == recording.differing
    return [str(difference) for difference in recording.differences]


def test_same_data_at_another_time_is_no_difference() -> None:
    assert differences(markdown("a"), markdown("a")) == []


LONG = "x" * 100


@pytest.mark.parametrize(
    ("recorded", "attempted", "shown"),
    [
        ("a", "b", "'a' is now 'b'"),
        ("a", "a\nb", "'a' is now 'a\\nb'"),
        (LONG + "a", LONG + "b", f"…'{LONG[:15]}a' is now …'{LONG[:15]}b'"),
        ("a" + LONG, LONG, f"'a{LONG[:59]}'… is now '{LONG[:60]}'…"),
        (LONG + "a", LONG, f"…'{LONG[:15]}a' is now …'{LONG[:15]}'"),
    ],
    ids=["short", "longer", "end", "beginning", "shorter"],
)
def test_texts_are_shown_around_the_place_where_they_differ(
    recorded: str, attempted: str, shown: str
) -> None:
    assert differences(markdown(recorded), markdown(attempted)) == [f"entry 1, markdown-1: content {shown}"]


def test_differences_beyond_the_first_are_only_counted() -> None:
    events = [markdown(str(chunk), chunk=chunk) for chunk in range(1, MAX_DIFFERENCES + 3)]
    recording = CheckedRecording(log(*map(shown, events)))
    for chunk in range(1, MAX_DIFFERENCES + 3):
        recording.play_event(markdown("other", chunk=chunk))
    assert (len(recording.differences), recording.differing) == (MAX_DIFFERENCES, MAX_DIFFERENCES + 2)


def test_difference_is_that_of_its_own_entry() -> None:
    recording = CheckedRecording(
        log(shown(markdown("a")), step(StepOutcome()), shown(markdown("b", chunk=2)))
    )
    recording.play_event(markdown("a"))
    recording.play_step("0.1", "pay")
    recording.play_event(markdown("c", chunk=2))
    assert [difference.seq for difference in recording.differences] == [3]


# The exit.


def test_exit_ends_the_recording() -> None:
    recording = CheckedRecording(log(shown(exit_event())))
    recording.play_exit(exit_event())
    assert recording.is_over


def test_other_value_is_a_difference() -> None:
    recording = CheckedRecording(log(shown(exit_event())))
    recording.play_exit(exit_event(return_type="int", return_value="1"))
    assert [str(difference) for difference in recording.differences] == [
        "entry 1, exit-1: return_type 'NoneType' is now 'int'; return_value 'None' is now '1'"
    ]


@pytest.mark.parametrize("attempted", [exit_event(2), exit_event(app="other.app")], ids=["code", "app"])
def test_exit_of_another_code_or_app_is_a_mismatch(attempted: Event) -> None:
    with pytest.raises(MismatchError):
        CheckedRecording(log(shown(exit_event()))).play_exit(attempted)


@pytest.mark.parametrize("left", [shown(markdown()), step(StepOutcome())], ids=["event", "step"])
def test_exit_before_what_is_recorded_is_a_mismatch(left: Any) -> None:
    with pytest.raises(MismatchError) as caught:
        CheckedRecording(log(left, shown(exit_event()))).play_exit(exit_event())
    assert caught.value.divergence["seq"] == 1


def test_exit_of_a_session_that_goes_on_is_a_mismatch() -> None:
    with pytest.raises(MismatchError):
        CheckedRecording(log(shown(markdown()))).play_exit(exit_event())


def test_new_step_before_a_plain_exit_is_a_mismatch() -> None:
    ending = exit_event(reason="Yera program completed successfully.")
    with pytest.raises(MismatchError):
        CheckedRecording(log(shown(ending))).play_step("0.1", "pay")


def test_new_step_of_another_task_may_have_been_under_way_at_the_exit() -> None:
    ending = exit_event(reason="Yera program completed successfully.")
    recording = CheckedRecording(log(shown(ending)))
    assert recording.play_step("0-1.1", "pay") is None
    assert not recording.may_end_in_step
