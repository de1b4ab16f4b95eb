"""What a run waits for: who settles it, and what becomes of an answer that comes at a bad moment."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from apps_app.dsl.runtime import Exited, Parked, SessionOver, Stopped
from apps_app.pending import PendingPrompt
from sessions_app.question import Nap, Question
from sessions_app.waiting import Waiting
from tests.sessions_app.playing import interaction


@pytest.fixture
def question() -> Question:
    return Question(
        [PendingPrompt(block_id="a", block_type="text"), PendingPrompt(block_id="b", block_type="t")]
    )


@pytest.fixture
def waiting(question: Question) -> Waiting:
    waiting = Waiting(read_seq=4)
    waiting.begin(question)
    return waiting


def nap() -> Nap:
    return Nap(timezone.now() + datetime.timedelta(hours=1))


def test_question_waits_until_all_is_answered(waiting: Waiting, question: Question) -> None:
    assert waiting.take(interaction(5, "b", "2"))
    assert (waiting.wait, question.future.done()) == (question, False)
    assert waiting.take(interaction(6, "a", "1"))
    assert waiting.wait is None
    assert question.future.result(0) == {"a": "1", "b": "2"}


def test_interaction_is_read_once(waiting: Waiting, question: Question) -> None:
    assert not waiting.take(interaction(4, "a", "old"))
    assert waiting.take(interaction(5, "a", "new"))
    assert not waiting.take(interaction(5, "a", "new"))
    assert question.answers == {"a": "new"}


def test_time_without_a_wait_begins_with_the_answer(waiting: Waiting) -> None:
    before = waiting.busy_since
    waiting.take(interaction(5, "a", "1"))
    assert waiting.busy_since == before
    waiting.take(interaction(6, "b", "2"))
    assert waiting.busy_since > before


@pytest.mark.parametrize("over", [Stopped, Exited])
def test_whoever_leaves_is_told_the_same_ever_after(
    waiting: Waiting, question: Question, over: type[SessionOver]
) -> None:
    waiting.leave(over)
    waiting.leave(Parked)
    assert isinstance(question.future.exception(0), over)
    with pytest.raises(over):
        waiting.check_over()
    with pytest.raises(over):
        waiting.end(Exited)
    assert (waiting.over, waiting.wait) == (over, None)


def test_nap_is_woken_once(waiting: Waiting) -> None:
    earlier, later = nap(), nap()
    waiting.begin(later)
    assert not waiting.wake(earlier)
    assert waiting.wake(later)
    assert not waiting.wake(later)


# Parking.


def test_only_what_waits_can_be_parked(waiting: Waiting) -> None:
    assert not Waiting(0).begin_parking()
    assert waiting.begin_parking()
    assert not waiting.begin_parking()


def test_parked_question_is_left(waiting: Waiting, question: Question) -> None:
    waiting.begin_parking()
    assert not waiting.end_parking(is_parked=True)
    assert isinstance(question.future.exception(0), Parked)


def test_answer_that_comes_while_it_is_parked_is_left_to_the_log(
    waiting: Waiting, question: Question
) -> None:
    """Whether the run or the next one gets it depends on whether the parking is carried out."""
    waiting.begin_parking()
    assert not waiting.take(interaction(5, "a", "1"))
    assert waiting.end_parking(is_parked=False)
    assert (waiting.read_seq, question.answers, waiting.wait) == (4, {}, question)
    assert waiting.take(interaction(5, "a", "1"))


def test_nap_does_not_end_while_it_is_parked(waiting: Waiting) -> None:
    sleep = nap()
    waiting.begin(sleep)
    waiting.begin_parking()
    assert not waiting.wake(sleep)
    waiting.end_parking(is_parked=False)
    assert waiting.wake(sleep)


def test_run_that_is_stopped_while_it_is_parked_stays_stopped(waiting: Waiting, question: Question) -> None:
    waiting.begin_parking()
    waiting.leave(Stopped)
    waiting.end_parking(is_parked=True)
    assert waiting.over is Stopped
    assert isinstance(question.future.exception(0), Stopped)


# How long its app has been busy.

AN_HOUR = 3600.0


@pytest.fixture
def busy() -> Waiting:
    """Its app has been busy for an hour."""
    waiting = Waiting(read_seq=4)
    waiting.busy_since -= AN_HOUR
    assert waiting.busy_seconds > AN_HOUR
    return waiting


def test_what_waits_is_not_busy(busy: Waiting, question: Question) -> None:
    busy.begin(question)
    assert busy.busy_seconds == 0
    busy.begin_parking()
    assert busy.busy_seconds == 0


def test_time_counts_anew_after_a_question(busy: Waiting, question: Question) -> None:
    busy.begin(question)
    for seq, block_id in enumerate("ab", 5):
        assert busy.take(interaction(seq, block_id, "x"))
    assert 0 < busy.busy_seconds < AN_HOUR


def test_time_counts_anew_after_a_nap(busy: Waiting) -> None:
    sleep = nap()
    busy.begin(sleep)
    assert busy.wake(sleep)
    assert 0 < busy.busy_seconds < AN_HOUR
