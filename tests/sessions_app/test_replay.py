"""A recording: what of a log is given again, what matches it, and what a cut-off step had shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps_app.blocks import Spinner
from apps_app.dsl.runtime import StepOutcome
from apps_app.events import Event
from apps_app.pending import PendingPrompt
from sessions_app.log_reading import RecordedEntry
from sessions_app.models import Kind
from sessions_app.question import Question
from sessions_app.replay import MismatchError, Recording
from tests.sessions_app.logs import answer, in_step, log, markdown, retract, shown, step
from tests.sessions_app.playing import APP_ID

STEP = {"kind": "step", "key": "0.1", "name": "pay"}


def account(event: Event) -> dict[str, Any]:
    return {
        "kind": "event",
        "block_type": event.data.block_type,
        "block_id": event.block_id,
        "chunk_id": event.chunk_id,
        "parent_block_id": event.parent_block_id,
        "app": event.app_name,
    }


def question(*block_ids: str) -> Question:
    return Question([PendingPrompt(block_id=block_id, block_type="input_request") for block_id in block_ids])


def divergence(recording: Recording, event: Event) -> dict[str, Any]:
    with pytest.raises(MismatchError) as caught:
        recording.play_event(event)
    return caught.value.divergence


# Events.


def test_recorded_events_are_played_in_order_then_all_is_new() -> None:
    events = [markdown("a"), markdown("b", chunk=2), markdown("c", number=2), markdown("d", chunk=3)]
    recording = Recording(log(*map(shown, events)))
    assert [recording.play_event(event) for event in events] == [True] * 4
    assert recording.is_over
    assert not recording.play_event(markdown("e", number=3))


def test_data_and_time_may_differ() -> None:
    recording = Recording(log(shown(markdown("it is 12:01"))))
    assert recording.play_event(markdown("it is 12:02"))


@pytest.mark.parametrize(
    "attempted",
    [
        markdown(number=2),
        markdown(chunk=2),
        markdown(parent_block_id="form-1"),
        markdown(app_name="other.app"),
        Event("markdown-1", 1, Spinner(status="active", message=None), APP_ID),
    ],
    ids=["block id", "chunk id", "parent", "app", "block type"],
)
def test_another_shape_is_told_apart(attempted: Event) -> None:
    recording = Recording(log(shown(markdown("a"))))
    expected = {"seq": 1, "recorded": account(markdown("a")), "attempted": account(attempted)}
    assert divergence(recording, attempted) == expected


def test_place_of_a_mismatch_is_that_of_the_recorded_event() -> None:
    recording = Recording(log(shown(markdown()), shown(markdown(chunk=2)), shown(markdown(chunk=3))))
    assert recording.play_event(markdown())
    found = divergence(recording, markdown(chunk=3))
    assert (found["seq"], found["recorded"]["chunk_id"]) == (2, 2)


# A log of handles that take turns: shape after shape, whatever is told apart.
shapes = st.lists(st.tuples(st.integers(1, 2), st.booleans()), max_size=30)


def events_of(turns: Iterable[tuple[int, bool]]) -> tuple[list[Event], list[RecordedEntry]]:
    chunks = {1: 0, 2: 0}
    events, entries = [], []
    for number, is_after_step in turns:
        chunks[number] += 1
        events.append(markdown(number=number, chunk=chunks[number]))
        entries += [step(StepOutcome(), key=f"0.{len(events)}")] if is_after_step else []
        entries.append(shown(events[-1]))
    return events, log(*entries)


@given(shapes)
def test_every_log_matches_itself(turns: list[tuple[int, bool]]) -> None:
    events, entries = events_of(turns)
    recording = Recording(entries)
    assert all(recording.play_event(event) for event in events)
    assert not recording.has_events


@given(shapes.filter(lambda turns: len(turns) > 1), st.data())
def test_no_log_matches_with_two_events_exchanged(turns: list[tuple[int, bool]], data: st.DataObject) -> None:
    events, entries = events_of(turns)
    place = data.draw(st.integers(0, len(events) - 2))
    events[place], events[place + 1] = events[place + 1], events[place]
    recording = Recording(entries)
    with pytest.raises(MismatchError):
        for event in events:
            recording.play_event(event)


# Steps.


def test_recorded_step_gives_its_outcome_once() -> None:
    outcome = StepOutcome(b'{"a":[1,"\xc3\xa4"]}')
    recording = Recording(log(in_step(), step(outcome, markdown=3)))
    recorded = recording.play_step("0.1", "pay")
    assert recorded is not None
    assert (recorded.outcome, recorded.highest) == (outcome, {"markdown": 3})
    assert recording.is_over
    assert recording.play_step("0.2", "pay") is None


def test_failed_step_gives_its_error() -> None:
    recording = Recording(log(step(StepOutcome(error="ValueError: no"))))
    recorded = recording.play_step("0.1", "pay")
    assert recorded is not None
    assert recorded.outcome == StepOutcome(error="ValueError: no")


@pytest.mark.parametrize("had_result", [True, False])
def test_step_that_was_given_up_has_no_outcome(had_result: bool) -> None:
    """Not even where its result was on the way to the log: the app has not seen it."""
    entries = [step(StepOutcome(b"1"), markdown=2), step(None)] if had_result else [step(None, markdown=2)]
    recording = Recording(log(*entries))
    recorded = recording.play_step("0.1", "pay")
    assert recorded is not None
    assert (recorded.outcome, recorded.highest) == (None, {"markdown": 2})


def test_step_of_another_name_is_a_mismatch() -> None:
    recording = Recording(log(step(StepOutcome())))
    with pytest.raises(MismatchError) as caught:
        recording.play_step("0.1", "ship")
    assert caught.value.divergence == {"seq": 1, "recorded": STEP, "attempted": STEP | {"name": "ship"}}


def test_new_step_before_what_is_recorded_is_a_mismatch() -> None:
    recording = Recording(log(shown(markdown())))
    with pytest.raises(MismatchError) as caught:
        recording.play_step("0.1", "pay")
    assert caught.value.divergence == {"seq": 1, "recorded": account(markdown()), "attempted": STEP}


def test_new_event_before_a_recorded_step_is_a_mismatch() -> None:
    recording = Recording(log(step(StepOutcome())))
    assert divergence(recording, markdown()) == {
        "seq": 1,
        "recorded": STEP,
        "attempted": account(markdown()),
    }


def test_highest_number_is_that_of_the_steps_to_come() -> None:
    recording = Recording(
        log(step(StepOutcome(), "0.1", markdown=3, table=1), step(StepOutcome(), "0.2", markdown=2))
    )
    assert (recording.highest("markdown"), recording.highest("spinner")) == (3, 0)
    recording.play_step("0.1", "pay")
    assert (recording.highest("markdown"), recording.highest("table")) == (2, 0)


# What was cut off.


@pytest.mark.parametrize(
    ("entries", "cut_off"),
    [
        ([in_step(), in_step(), step(StepOutcome())], []),
        ([in_step(), in_step(), step(None)], []),  # the app has given it up: what it had shown stands
        ([shown(markdown()), in_step(), in_step()], [range(2, 4)]),
        ([in_step("0-1.1"), in_step("0-2.1"), in_step("0-1.1"), step(StepOutcome(), "0-1.1")], [range(2, 3)]),
        ([in_step("0-1.1"), in_step("0-2.1"), in_step("0-1.1")], [range(1, 4)]),
        ([in_step("0-1.1"), step(StepOutcome(), "0-2.1"), in_step("0-1.1")], [range(1, 2), range(3, 4)]),
        ([in_step(), in_step(), retract(1, 2)], []),
        ([in_step(), in_step(), retract(1, 2), in_step()], [range(4, 5)]),
        ([in_step(), retract(1, 1), in_step(), step(StepOutcome())], []),
    ],
    ids=[
        "ended",
        "given up",
        "cut off",
        "one of two",
        "both",
        "around another",
        "retracted",
        "again",
        "ended",
    ],
)
def test_what_a_step_without_result_has_shown_is_cut_off(
    entries: list[tuple[Kind, str, bytes]], cut_off: list[range]
) -> None:
    assert Recording(log(*entries)).cut_off() == cut_off


# Answers.


def test_recorded_answers_are_given_to_their_questions() -> None:
    recording = Recording(log(answer("a", "1"), answer("b", "2"), answer("c", "3")))
    first, second = question("a", "b"), question("c")
    recording.play_question(first)
    assert (first.answers, first.missing) == ({"a": "1", "b": "2"}, {})
    recording.play_question(second)
    assert second.answers == {"c": "3"}
    assert recording.is_over


def test_question_that_is_half_answered_misses_the_rest() -> None:
    recording = Recording(log(answer("a", "1")))
    asked = question("a", "b")
    recording.play_question(asked)
    assert list(asked.missing) == ["b"]


def test_answer_to_another_question_is_a_mismatch() -> None:
    recording = Recording(log(answer("a", "1")))
    with pytest.raises(MismatchError) as caught:
        recording.play_question(question("b"))
    assert caught.value.divergence == {
        "seq": 1,
        "recorded": {"kind": "interaction", "block_id": "a"},
        "attempted": {"kind": "question", "block_ids": ["b"]},
    }


def test_question_without_answer_before_what_is_recorded_is_a_mismatch() -> None:
    recording = Recording(log(shown(markdown())))
    with pytest.raises(MismatchError):
        recording.play_question(question("a"))


# The end.


@pytest.mark.parametrize(
    ("left", "recorded"),
    [
        (shown(markdown()), account(markdown())),
        (step(StepOutcome()), STEP),
        (answer("a", "1"), {"kind": "interaction", "block_id": "a"}),
    ],
    ids=["event", "step", "answer"],
)
def test_app_that_ends_with_something_left_is_a_mismatch(
    left: tuple[Kind, str, bytes], recorded: dict[str, Any]
) -> None:
    with pytest.raises(MismatchError) as caught:
        Recording(log(left)).check_played(None)
    assert caught.value.divergence == {"seq": 1, "recorded": recorded, "attempted": None}


def test_first_of_what_is_left_is_told() -> None:
    entries = log(step(StepOutcome()), answer("a", "1"), shown(markdown()))
    with pytest.raises(MismatchError) as caught:
        Recording(entries).check_played(None)
    assert caught.value.divergence == {"seq": 1, "recorded": STEP, "attempted": None}


def test_app_that_ends_with_all_played_is_none() -> None:
    Recording([]).check_played(None)


def test_steps_that_a_living_task_is_to_call_are_none() -> None:
    """Nor those of tasks that it may start; but those of one that has come to its end."""
    recording = Recording(log(step(StepOutcome(), "0-1.1", markdown=4), step(StepOutcome(), "0-1-1.1")))
    task = recording.own.child()
    recording.check_played(None)
    assert (recording.highest_of_tasks("markdown"), recording.highest_of_tasks("table")) == (4, 0)
    task.end()
    with pytest.raises(MismatchError):
        recording.check_played(None)
    assert recording.highest_of_tasks("markdown") == 0


def test_step_of_a_server_that_could_not_replay_is_read_too() -> None:
    """What it has shown is unknown: where that matters the session diverges, and a person decides."""
    entry = (Kind.STEP, "0.1", b'{"name":"pay","error":null,"blocks":{"markdown":1},"result":7}')
    recorded = Recording(log(entry)).play_step("0.1", "pay")
    assert recorded is not None
    assert (recorded.outcome, recorded.highest) == (StepOutcome(b"7"), {})
