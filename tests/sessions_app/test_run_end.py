"""The end of a run: stopped, fenced, refused, finished, or over a limit; nothing comes after it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from apps_app.blocks import Markdown
from apps_app.dsl.runtime import Exited, Step, StepOutcome, Stopped
from apps_app.events import Event
from sessions_app.exits import cancellation, failed_exit
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, LogEntry, Status
from sessions_app.run import Run
from sessions_app.writes import Position, Write
from tests.deadline import until
from tests.sessions_app.playing import APP_ID, entries, interaction, shown, texts
from tests.sessions_app.runs import SECONDS, TEXT, NewRun, in_step, markdown, prompt, row, success

pytestmark = pytest.mark.django_db(transaction=True)


# Stopped, fenced, refused, finished.


def test_stop_ends_the_wait_and_whatever_is_called_next(run: Run) -> None:
    answers = run.ask([TEXT], prompt())
    run.stop()
    assert isinstance(answers.exception(SECONDS), Stopped)
    assert_over(run, Stopped)
    assert run.waiting.wait is None


def assert_over(run: Run, how: type[BaseException]) -> None:
    """Every call that an app can make raises this, however often it swallows it."""
    calls: list[Callable[[], Any]] = [
        lambda: run.new_block("markdown"),
        lambda: run.emit(markdown("more")),
        lambda: run.ask([TEXT], prompt()),
        lambda: run.begin_step("more"),
        lambda: run.end_step(Step("0.1", "more"), StepOutcome()),
        lambda: run.finish(success()),
    ]
    for call in calls * 2:
        with pytest.raises(how):
            call()
    assert run.over is how


def test_fenced_run_writes_nothing_more(run: Run, writer: LogWriter, flush: Callable[[], Position]) -> None:
    run.emit(markdown("mine"))
    writer.submit(Write(run.session_id, {}, raise_epoch=True)).result(SECONDS)
    with suppress(Stopped):
        run.emit(markdown("lost"))
    flush()
    assert_over(run, Stopped)
    flush()
    assert texts(run.session_id) == ["mine"]


def test_fenced_run_starts_no_step(run: Run, writer: LogWriter) -> None:
    writer.submit(Write(run.session_id, {}, raise_epoch=True)).result(SECONDS)
    assert isinstance(run.begin_step("pay").exception(SECONDS), Stopped)
    assert_over(run, Stopped)


def test_fence_ends_a_wait(run: Run, writer: LogWriter, flush: Callable[[], Position]) -> None:
    writer.submit(cancellation(run.session_id, APP_ID)).result(SECONDS)
    answers = run.ask([TEXT], prompt())
    assert isinstance(answers.exception(SECONDS), Stopped)
    flush()
    assert (row(run).status, row(run).pending) == (Status.CANCELLED, [])


def test_run_that_the_database_refuses_is_over(run: Run, flush: Callable[[], Position]) -> None:
    LogEntry.objects.create(session_id=run.session_id, seq=1, kind=Kind.EVENT, created_at=row(run).created_at)
    run.emit(markdown("takes a seq that is taken"))
    assert until(lambda: run.over is Stopped)
    assert run.refusal is not None


def test_finish_ends_the_session(run: Run, flush: Callable[[], Position], settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(Exited):
        run.finish(success(), "a traceback")
    flush()
    session = row(run)
    assert (session.status, session.owner, session.pending) == (Status.FINISHED, "", [])
    assert session.finished_at is not None
    assert session.failure == "a traceback"
    (event,) = shown(run.session_id)
    assert event["data"] == session.exit
    assert event["data"]["return_value"] == "None"
    assert entries(run.session_id)[-1].closes_turn
    assert_over(run, Exited)


def test_traceback_is_shown_with_debug_only(run: Run, flush: Callable[[], Position], settings: Any) -> None:
    settings.DEBUG = True
    with pytest.raises(Exited):
        run.finish(failed_exit(APP_ID, "ValueError", "bad"), "a traceback")
    flush()
    assert shown(run.session_id)[-1]["data"]["return_value"] == "a traceback"
    assert row(run).status == Status.FAILED


def test_failure_in_the_servers_name_ends_the_wait(run: Run, flush: Callable[[], Position]) -> None:
    answers = run.ask([TEXT], prompt())
    run.fail(failed_exit(APP_ID, "LogError", "broken"), "broken")
    assert isinstance(answers.exception(SECONDS), Exited)
    run.fail(failed_exit(APP_ID, "LogError", "again"), "again")
    flush()
    assert [event["block_type"] for event in shown(run.session_id)] == ["input_request", "exit"]
    assert row(run).failure == "broken"


def test_nothing_comes_after_the_exit(run: Run, flush: Callable[[], Position]) -> None:
    """Not even what a step's other thread was about to show when the session ended."""
    reached, go_on = threading.Event(), threading.Event()

    class SlowMarkdown(Markdown):
        def to_wire(self) -> dict[str, Any]:
            reached.set()
            assert go_on.wait(SECONDS)
            return super().to_wire()

    step = run.begin_step("threads").result(SECONDS)
    late = Event("markdown-1", 1, SlowMarkdown(content="late"), APP_ID)
    showing = threading.Thread(target=in_step, args=(step, lambda: run.emit(late)))
    showing.start()
    assert reached.wait(SECONDS)
    with pytest.raises(Exited):
        run.finish(success())
    go_on.set()
    showing.join()
    flush()
    assert [event["block_type"] for event in shown(run.session_id)] == ["exit"]


# Limits.


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"YERA_MAX_TURN_ENTRIES": 10}, "The app wrote more than 10 log entries in one turn."),
        ({"YERA_MAX_SESSION_BYTES": 3000}, "The session's log grew beyond 3000 bytes."),
    ],
)
def test_endless_app_that_swallows_everything_is_ended(
    settings: Any, new_run: NewRun, writer: LogWriter, limit: dict[str, int], reason: str
) -> None:
    for name, value in limit.items():
        setattr(settings, name, value)
    run = new_run()
    for number in range(100):
        with suppress(BaseException):
            run.emit(markdown(str(number)))
    writer.submit(Write(run.session_id, {})).result(SECONDS)
    *before, last = shown(run.session_id)
    assert 0 < len(before) < 20
    assert last["block_type"] == "exit"
    assert last["data"]["error_cause"] == {"error_type": "LimitExceeded", "block_type": None}
    assert (last["data"]["reason"], row(run).status) == (reason, Status.FAILED)


def test_limit_of_entries_is_per_turn(
    settings: Any, new_run: NewRun, writer: LogWriter, new_session: Any
) -> None:
    settings.YERA_MAX_TURN_ENTRIES = 5
    run = new_run()
    for _ in range(4):
        for _ in range(4):
            run.emit(markdown("x"))
        run.ask([TEXT], prompt())
        position = writer.submit(Write(run.session_id, {})).result(SECONDS)
        run.deliver([interaction(position.last_seq + 1, "input_request-1", "on")])
    assert run.over is None


def test_bytes_of_earlier_turns_count(settings: Any, new_run: NewRun) -> None:
    settings.YERA_MAX_SESSION_BYTES = 10_000
    run = new_run(log_bytes=9_950)
    with pytest.raises(Exited):
        run.emit(markdown("x"))


def test_steps_count_towards_the_limits(settings: Any, new_run: NewRun) -> None:
    settings.YERA_MAX_SESSION_BYTES = 10_000
    run = new_run()
    step = run.begin_step("big").result(SECONDS)
    run.end_step(step, StepOutcome(json.dumps("x" * 10_000).encode())).result(SECONDS)
    with pytest.raises(Exited):
        run.begin_step("another")
