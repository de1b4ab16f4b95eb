"""One run over a real log: what the author API's calls leave in it, and when they are refused."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from apps_app.blocks import Exit, InputRequest, Markdown
from apps_app.dsl.runtime import Exited, Step, StepOutcome, Stopped, UsageError, step_key
from apps_app.events import Event
from apps_app.pending import PendingPrompt
from sessions_app.exits import cancellation, failed_exit
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, LogEntry, Session, Status
from sessions_app.printing import Printer
from sessions_app.run import Claim, Run
from sessions_app.writes import Hint, Position, Write
from tests.deadline import until
from tests.sessions_app.playing import APP_ID, entries, interaction, shown, texts

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20.0
TEXT = PendingPrompt(block_id="input_request-1", block_type="input_request")
SLIDER = PendingPrompt(block_id="slider-1", block_type="slider", min_value=0.0, max_value=9.0)

NewRun = Callable[..., Run]


def markdown(text: str, block_id: str = "markdown-1") -> Event:
    return Event(block_id, 1, Markdown(content=text), APP_ID)


def prompt() -> Event:
    return Event("input_request-1", 1, InputRequest(), APP_ID)


def success() -> Event:
    data = Exit(exit_code=0, reason=None, return_type="NoneType", return_value="None")
    return Event("exit-1", 1, data, APP_ID)


@pytest.fixture
def new_run(writer: LogWriter, new_session: Callable[..., Session]) -> NewRun:
    """Claims a new session; the run's app is this very thread."""

    def claim(**columns: Any) -> Run:
        session = new_session(**columns)
        taken = Write(session.id, {}, changes={"status": Status.RUNNING, "owner": "me"}, raise_epoch=True)
        claim = Claim(session.id, APP_ID, "", writer.submit(taken).result(SECONDS))
        run = Run(claim, writer, Printer(writer).prints_of(session.id))
        run.thread = threading.current_thread()
        return run

    return claim


@pytest.fixture
def run(new_run: NewRun) -> Run:
    return new_run()


@pytest.fixture
def flush(writer: LogWriter, run: Run) -> Callable[[], Position]:
    """Waits until all that the run has written is committed."""
    return lambda: writer.submit(Write(run.session_id, {})).result(SECONDS)


def row(run: Run) -> Session:
    return Session.objects.get(id=run.session_id)


def kinds(run: Run) -> list[str]:
    return [entry.kind for entry in entries(run.session_id)]


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
    assert run.is_waiting
    run.deliver([interaction(2, "input_request-1", "hello")])
    assert answers.result(SECONDS) == {"input_request-1": "hello"}
    assert not run.is_waiting


def test_answers_come_in_parts_and_repeatedly(run: Run) -> None:
    answers = run.ask([TEXT, SLIDER], prompt())
    first, second = interaction(2, "slider-1", "3"), interaction(3, "input_request-1", "hello")
    run.deliver([first])
    run.deliver([first])
    assert run.is_waiting
    run.deliver([first, second])
    run.deliver([first, second])
    assert answers.result(SECONDS) == {"slider-1": 3.0, "input_request-1": "hello"}


def test_answer_to_one_question_is_not_taken_for_the_next(run: Run, flush: Callable[[], Position]) -> None:
    first = run.ask([TEXT], prompt())
    run.deliver([interaction(flush().last_seq + 1, "input_request-1", "one")])
    second = run.ask([TEXT], prompt())
    run.deliver([interaction(2, "input_request-1", "one")])
    assert (first.result(SECONDS), run.is_waiting) == ({"input_request-1": "one"}, True)
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


def in_step(step: Step, call: Callable[[], Any]) -> Any:
    """Call as from a step's code."""

    def inside() -> Any:
        step_key.set(step.key)
        return call()

    return contextvars.copy_context().run(inside)


# The end of a run.


def test_stop_ends_the_wait_and_whatever_is_called_next(run: Run) -> None:
    answers = run.ask([TEXT], prompt())
    run.stop()
    assert isinstance(answers.exception(SECONDS), Stopped)
    assert_over(run, Stopped)
    assert not run.is_waiting


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


# Steps.


def test_step_is_recorded_with_what_it_showed(run: Run, flush: Callable[[], Position]) -> None:
    step = run.begin_step("look up").result(SECONDS)
    assert step == Step("0.1", "look up")
    in_step(step, lambda: run.emit(markdown("within", run.new_block("markdown"))))
    assert run.end_step(step, StepOutcome(b'{"a":1}')).result(SECONDS) == StepOutcome(b'{"a":1}')
    run.emit(markdown("after", run.new_block("markdown")))
    flush()
    rows = LogEntry.objects.filter(session=run.session_id).values_list("kind", "step")
    assert list(rows) == [("event", "0.1"), ("step", "0.1"), ("event", "")]
    record = json.loads(entries(run.session_id)[1].payload)
    assert record == {"name": "look up", "error": None, "blocks": {"markdown": 1}, "result": {"a": 1}}
    assert [event["block_id"] for event in shown(run.session_id)] == ["markdown-1", "markdown-2"]


def test_failed_step_is_recorded(run: Run) -> None:
    step = run.begin_step("pay").result(SECONDS)
    run.end_step(step, StepOutcome(error="ValueError: no money")).result(SECONDS)
    record = json.loads(entries(run.session_id)[0].payload)
    assert (record["error"], record["result"]) == ("ValueError: no money", None)


def test_step_starts_when_what_came_before_is_durable(run: Run) -> None:
    run.emit(markdown("before"))
    run.begin_step("pay").result(SECONDS)
    assert texts(run.session_id) == ["before"]


def test_nothing_else_is_shown_while_a_step_is_under_way(run: Run, flush: Callable[[], Position]) -> None:
    step = run.begin_step("slow").result(SECONDS)
    with pytest.raises(UsageError, match="Await the step first"):
        run.emit(markdown("meanwhile"))
    with pytest.raises(UsageError, match="Await the step first"):
        run.ask([TEXT], prompt())
    run.end_step(step, StepOutcome()).result(SECONDS)
    run.emit(markdown("after"))
    flush()
    assert texts(run.session_id) == ["after"]


def test_step_that_was_given_up_holds_nobody_up(run: Run, flush: Callable[[], Position]) -> None:
    run.abandon_step(run.begin_step("slow").result(SECONDS))
    run.emit(markdown("after"))
    assert flush().last_seq == 1


def test_step_that_has_ended_shows_nothing_more(run: Run, flush: Callable[[], Position]) -> None:
    """What a step has left running in another task or thread comes too late."""
    step = run.begin_step("hasty").result(SECONDS)
    run.end_step(step, StepOutcome()).result(SECONDS)
    for call in (lambda: run.emit(markdown("late")), lambda: run.new_block("markdown")):
        with pytest.raises(UsageError, match="step"):
            in_step(step, call)
    flush()
    assert kinds(run) == ["step"]


@pytest.mark.parametrize("phase", ["begin", "end"])
def test_cancelled_wait_for_a_step_stops_nobody(run: Run, flush: Callable[[], Position], phase: str) -> None:
    """An async app's task may be cancelled while it waits for the log."""
    beginning = run.begin_step("one")
    if phase == "begin":
        beginning.cancel()
    else:
        run.end_step(beginning.result(SECONDS), StepOutcome()).cancel()
    flush()
    assert run.new_block("markdown") == "markdown-1"  # no step is under way
    assert run.begin_step("two").result(SECONDS) == Step("0.2", "two")


def test_steps_of_gathered_tasks_have_keys_of_their_own(run: Run) -> None:
    """A branch a task, numbered by its first step; `0` is the app's own."""
    seen: list[tuple[str, str]] = []

    async def step(name: str) -> None:
        begun = await asyncio.wrap_future(run.begin_step(name))
        seen.append((begun.name, begun.key))
        await asyncio.wrap_future(run.end_step(begun, StepOutcome()))

    async def two_steps(name: str) -> None:
        await step(f"{name}1")
        await step(f"{name}2")

    async def main() -> None:
        run.task = asyncio.current_task()
        await step("own1")
        await asyncio.gather(two_steps("a"), two_steps("b"))
        await step("own2")
        await asyncio.gather(two_steps("c"))

    asyncio.run(main())
    assert dict(seen) == {
        "own1": "0.1",
        "own2": "0.2",
        "a1": "1.1",
        "a2": "1.2",
        "b1": "2.1",
        "b2": "2.2",
        "c1": "3.1",
        "c2": "3.2",
    }


def test_other_task_shows_inside_steps_only(run: Run, flush: Callable[[], Position]) -> None:
    async def show_beside() -> None:
        with pytest.raises(UsageError, match="own task only"):
            run.emit(markdown("beside"))
        step = await asyncio.wrap_future(run.begin_step("inside"))
        step_key.set(step.key)
        run.emit(markdown("inside"))
        await asyncio.wrap_future(run.end_step(step, StepOutcome()))

    async def main() -> None:
        run.task = asyncio.current_task()
        await asyncio.create_task(show_beside())
        run.emit(markdown("own"))

    asyncio.run(main())
    flush()
    assert texts(run.session_id) == ["inside", "own"]


def test_entries_read_back_as_they_were_written(run: Run, flush: Callable[[], Position]) -> None:
    event = markdown("ü \N{SNOWMAN} \0")
    run.emit(event)
    flush()
    (entry,) = entries(run.session_id)
    assert entry == Entry(1, Kind.EVENT, False, entry.payload)
    assert json.loads(entry.payload)["data"] == {"content": "ü \N{SNOWMAN} \ufffd"}
