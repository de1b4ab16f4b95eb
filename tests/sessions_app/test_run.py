"""One run over a real log: what it shows and asks is in the log, in order, and answers end its waits."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from apps_app.dsl.runtime import StepOutcome, UsageError
from sessions_app.frames import Entry
from sessions_app.models import Kind, Status
from sessions_app.run import Run
from sessions_app.writes import Hint, Position
from tests.deadline import until
from tests.sessions_app.playing import entries, interaction, texts
from tests.sessions_app.runs import SECONDS, SLIDER, TEXT, in_step, markdown, prompt, row

pytestmark = pytest.mark.django_db(transaction=True)


# Blocks and events.


def test_blocks_are_numbered_by_type(run: Run) -> None:
    made = [run.new_block(block_type) for block_type in ("markdown", "slider", "markdown")]
    assert made == ["markdown-1", "slider-1", "markdown-2"]


def test_events_are_in_the_log_in_order(run: Run, flush: Callable[[], Position]) -> None:
    for number in range(5):
        run.emit(markdown(str(number)))
    assert flush().last_seq == 5
    assert texts(run.session_id) == ["0", "1", "2", "3", "4"]
    assert row(run).status == Status.RUNNING


def test_other_thread_cannot_show_anything(run: Run, flush: Callable[[], Position]) -> None:
    refusals: list[UsageError] = []

    def show() -> None:
        with pytest.raises(UsageError) as refused:
            run.emit(markdown("from elsewhere"))
        refusals.append(refused.value)
        with pytest.raises(UsageError) as refused:
            run.ask([TEXT], prompt())
        refusals.append(refused.value)

    thread = threading.Thread(target=show)
    thread.start()
    thread.join()
    assert [str(refusal).split(" can be shown")[0] for refusal in refusals] == [
        "A markdown",
        "A input_request",
    ]
    assert flush().last_seq == 0


def test_entries_read_back_as_they_were_written(run: Run, flush: Callable[[], Position]) -> None:
    event = markdown("ü \N{SNOWMAN} \0")
    run.emit(event)
    flush()
    (entry,) = entries(run.session_id)
    assert entry == Entry(1, Kind.EVENT, False, entry.payload)
    assert json.loads(entry.payload)["data"] == {"content": "ü \N{SNOWMAN} \ufffd"}


# Questions.


def test_prompt_status_and_pending_are_one_commit(run: Run, hints: list[Hint]) -> None:
    run.ask([TEXT], prompt())
    assert until(lambda: row(run).status == Status.WAITING)
    assert row(run).pending == [{"block_id": "input_request-1", "block_type": "input_request", "layouts": []}]
    assert entries(run.session_id)[-1].closes_turn
    hint = hints[-1]
    assert (hint.after, hint.last_seq, hint.segments[-1].closes_turn) == (0, 1, True)
    assert hint.state is not None
    assert hint.state["status"] == "waiting"


def test_answer_ends_the_wait(run: Run) -> None:
    answers = run.ask([TEXT], prompt())
    assert run.waiting.wait is not None
    run.deliver([interaction(2, "input_request-1", "hello")])
    assert answers.result(SECONDS) == {"input_request-1": "hello"}
    assert run.waiting.wait is None


def test_answers_come_in_parts_and_repeatedly(run: Run) -> None:
    answers = run.ask([TEXT, SLIDER], prompt())
    first, second = interaction(2, "slider-1", "3"), interaction(3, "input_request-1", "hello")
    run.deliver([first])
    run.deliver([first])
    assert run.waiting.wait is not None
    run.deliver([first, second])
    run.deliver([first, second])
    assert answers.result(SECONDS) == {"slider-1": 3.0, "input_request-1": "hello"}


def test_answer_to_one_question_is_not_taken_for_the_next(run: Run, flush: Callable[[], Position]) -> None:
    first = run.ask([TEXT], prompt())
    run.deliver([interaction(flush().last_seq + 1, "input_request-1", "one")])
    second = run.ask([TEXT], prompt())
    run.deliver([interaction(2, "input_request-1", "one")])
    assert (first.result(SECONDS), run.waiting.wait is not None) == ({"input_request-1": "one"}, True)
    run.deliver([interaction(flush().last_seq + 2, "input_request-1", "two")])
    assert second.result(SECONDS) == {"input_request-1": "two"}


def test_question_cannot_be_given_up(run: Run, flush: Callable[[], Position]) -> None:
    """An async app may stop waiting (asyncio.timeout), but the user is still being asked."""
    run.ask([TEXT], prompt()).cancel()
    with pytest.raises(UsageError, match="input_request-1 still waits"):
        run.emit(markdown("meanwhile"))
    with pytest.raises(UsageError, match="input_request-1 still waits"):
        run.ask([SLIDER], prompt())
    run.deliver([interaction(2, "input_request-1", "late")])
    run.emit(markdown("the app goes on"))
    assert flush().last_seq == 2


def test_next_interaction_is_known_as_such(run: Run, flush: Callable[[], Position]) -> None:
    run.ask([TEXT, SLIDER], prompt())
    flush()
    first, second = interaction(2, "slider-1", 1), interaction(3, "input_request-1", "x")
    assert (run.is_next(first), run.is_next(second)) == (True, False)
    run.deliver([first])
    assert (run.is_next(first), run.is_next(second)) == (False, True)


def test_interaction_after_a_step_event_may_not_be_the_first(run: Run, flush: Callable[[], Position]) -> None:
    """While the app waits, a step in another task shows something: an answer before it may be unread."""
    run.ask([TEXT, SLIDER], prompt())
    assert flush().last_seq == 1
    step = run.begin_step("aside").result(SECONDS)
    in_step(step, lambda: run.emit(markdown("aside")))
    run.end_step(step, StepOutcome()).result(SECONDS)
    assert not run.is_next(interaction(flush().last_seq + 1, "slider-1", 1))
