"""Verifying: an app that does what is recorded matches, any other is told from it; nothing is done."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import apps_app.dsl as yr
from apps_app import discovery
from apps_app.child import in_child
from apps_app.dsl.runtime import StepOutcome
from apps_app.models import App
from sessions_app import event_log
from sessions_app.exits import cancellation, failed_exit
from sessions_app.log_reading import RecordedEntry
from sessions_app.models import Kind, Session, Status
from sessions_app.verdict import Verdict
from sessions_app.verification import Subject, verdict_on
from tests.server import ROOT
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID, ENTRY_POINT
from tests.sessions_app.runners import SECONDS
from tests.sessions_app.test_replay import in_step, log, markdown, retract, shown, step
from tests.sessions_app.verifying import record, said, verified

pytest_plugins = ["tests.apps_app.app_files"]
pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]
EXAMPLES = ROOT / "apps_app" / "examples"
CONFORMANCE = ROOT / "tests" / "conformance" / "apps"


# What matches.


@pytest.mark.usefixtures("author_process", "transactional_db")
@pytest.mark.parametrize(
    ("folder", "app_id", "answers"),
    [
        (EXAMPLES, "greeter.greet", ["Ada", "kindly"]),
        (EXAMPLES, "survey.survey", ["Ada", "2025-02-01", 10, 7.5, 5, "You're welcome"]),
        (EXAMPLES, "storyteller.tell", []),
        (EXAMPLES, "async_tour.tour", ["Paris", "Rome", "2025-02-01", "Rome"]),
        (EXAMPLES, "async_tour.tour", ["Paris", "Rome"]),
        (EXAMPLES, "nested.order", ["Coffee", "Tea", "Nothing more"]),
        (EXAMPLES, "tickets.sell", [2, "Pay 56 €"]),
        (EXAMPLES, "tickets.sell", [3, "Let them go"]),
        (CONFORMANCE, "greeter.greet", ["Ada", "green"]),
        (CONFORMANCE, "survey.survey", ["Paris", 7, "2025-02-01", "ok"]),
        (CONFORMANCE, "trouble.trouble", ["return"]),
        (CONFORMANCE, "trouble.trouble", ["raise"]),
        (CONFORMANCE, "trouble.trouble", ["exit"]),
        (CONFORMANCE, "trouble.trouble", []),
    ],
)
def test_unchanged_app_matches(tmp_path: Path, folder: Path, app_id: str, answers: list[Any]) -> None:
    name, _, function = app_id.partition(".")
    file = without_pauses(folder / f"{name}.py", tmp_path)
    App.objects.create(id=app_id, name=name, entry_point=f"{file}:{function}")
    session = Session(app_id=app_id)
    event_log.create(session)
    record(session, *answers)
    verdict = verified(session)
    assert list(verdict.lines()) == [f"{session.id}  matches ({session.last_seq} entries)"]
    assert session.last_seq > 0


def without_pauses(file: Path, folder: Path) -> Path:
    """A copy of an app file that spends no time."""
    copy = folder / file.name
    copy.write_text(re.sub(r"^(\w+_SECONDS) = .*$", r"\1 = 0", file.read_text(), flags=re.MULTILINE))
    return copy


def test_no_step_runs_and_no_answer_is_asked(app: SetApp, new_session: NewSession, tmp_path: Path) -> None:
    done = tmp_path / "done"

    def work() -> None:
        with done.open("a") as file:
            file.write("done\n")

    @app
    def main() -> str:
        yr.step(work)
        name = yr.text_input("Who?")
        yr.step(work)
        return name

    verdict = verified(record(new_session(), "Ada"))
    assert (verdict.matches, verdict.entries) == (True, 5)
    assert done.read_text() == "done\n" * 2


def test_time_and_chance_are_those_recorded(app: SetApp, new_session: NewSession) -> None:
    @app
    def main() -> str:
        yr.sleep(0.01)
        for make in (yr.now, yr.uuid, yr.random):
            yr.markdown(str(make()))
        return str(yr.random())

    verdict = verified(record(new_session()))
    assert (verdict.matches, verdict.differences) == (True, [])


def test_sleeping_session_matches_up_to_its_sleep(app: SetApp, new_session: NewSession) -> None:
    @app
    def main() -> None:
        yr.markdown("Good night.")
        yr.sleep(3600)

    assert verified(record(new_session())).matches


def test_gathered_steps_match(app: SetApp, new_session: NewSession) -> None:
    async def work(number: int) -> int:
        handle = yr.markdown(f"{number}")
        await asyncio.sleep(0)
        handle.append("…")
        return number

    @app
    async def main() -> str:
        counts = await asyncio.gather(*[yr.astep(work, number) for number in range(3)])
        yr.markdown(str(counts))
        async with yr.form() as form:
            await yr.atext_input("a")
            await yr.aslider(0, 10, "b")
        return str(await form.aresult())

    session = record(new_session(), "one", 3)
    assert session.status == Status.FINISHED
    assert verified(session).matches


def test_session_without_entries_matches(app: SetApp, new_session: NewSession) -> None:
    app(crashes)
    assert verified(new_session()).matches


def test_half_answered_form_matches(app: SetApp, new_session: NewSession) -> None:
    @app
    def main() -> None:
        with yr.form():
            yr.text_input("a")
            yr.text_input("b")

    assert verified(record(new_session(), "one")).matches


@pytest.mark.parametrize("leave", [yr.quit, sys.exit])
def test_exit_from_a_step_matches(app: SetApp, new_session: NewSession, leave: Callable[[], Any]) -> None:
    """Which has left the step without a result."""

    @app
    def main() -> None:
        yr.markdown("before")
        yr.step(leave)

    session = record(new_session())
    assert session.exit is not None
    assert verified(session).matches


def test_exit_while_a_step_is_under_way_matches(app: SetApp, new_session: NewSession) -> None:
    @app
    async def main() -> None:
        task = asyncio.create_task(yr.astep(asyncio.Event().wait))
        await asyncio.sleep(0)
        yr.quit() if task.done() else None

    session = record(new_session())
    assert session.status == Status.FINISHED
    assert verified(session).matches


@pytest.mark.parametrize(
    "ending",
    [cancellation(uuid4(), APP_ID).entries[0].payload, failed_exit(APP_ID, "RunnerDied", "").to_json()],
)
def test_exit_of_the_server_is_none_of_the_app(app: SetApp, ending: bytes) -> None:
    app(original)
    entries = log(shown(markdown("one")), step(StepOutcome(b'""'), name="work"), (Kind.EVENT, "", ending))
    assert verdict(*entries).matches


# What was cut off.


def counted(counter: Path) -> Callable[[], None]:
    """An app whose steps show something, and count how often they are run."""

    def count() -> None:
        with counter.open("a") as file:
            file.write(".")
        yr.markdown("in a step")

    def main() -> None:
        yr.markdown("one")
        yr.step(count, name="pay")
        yr.markdown("two")

    return main


@pytest.mark.parametrize(
    "tried",
    [
        [],
        [in_step()],
        [in_step(), retract(2, 2)],
        [in_step(), retract(2, 2), in_step(), in_step()],
        [in_step(), retract(2, 2), in_step(), step(StepOutcome(), markdown=2)],
        [in_step(), retract(2, 2), in_step(), step(StepOutcome(), markdown=2), shown(markdown(number=3))],
    ],
    ids=["before", "cut off", "retracted", "cut off twice", "at last recorded", "gone on"],
)
def test_step_that_was_cut_off_is_not_run(app: SetApp, tmp_path: Path, tried: list[Any]) -> None:
    app(counted(tmp_path / "counter"))
    assert verdict(*log(shown(markdown("one")), *tried)).matches
    assert not (tmp_path / "counter").exists()


def test_step_without_result_is_not_run_beside_others_that_have_one(app: SetApp, tmp_path: Path) -> None:
    counter = tmp_path / "counter"

    async def branch(number: int) -> None:
        await yr.astep(counter.touch if number == 1 else work, name=f"{number}a")
        await yr.astep(work, name=f"{number}b")

    @app
    async def main() -> None:
        await asyncio.gather(branch(1), branch(2))

    done = [step(StepOutcome(b'""'), f"0-2.{number}", name) for number, name in enumerate(["2a", "2b"], 1)]
    assert verdict(*log(in_step("0-1.1"), *done)).matches
    assert not counter.exists()


TIME = StepOutcome(b'"2026-01-31T00:00:00+00:00"')


@pytest.mark.parametrize(
    ("last", "recorded"),
    [
        (lambda: yr.markdown("a"), shown(markdown("a"))),
        (lambda: yr.step(work), step(TIME, name="work")),
        (yr.now, step(TIME, name="now")),
        (lambda: yr.sleep(0), step(TIME, name="sleep")),
    ],
    ids=["event", "step", "note", "sleep"],
)
def test_app_is_left_where_the_log_ends(app: SetApp, last: Callable[[], Any], recorded: Any) -> None:
    @app
    def main() -> None:
        last()
        crashes()

    assert verdict(*log(recorded)).matches


def test_other_tasks_are_played_on_beside_a_step_that_was_cut_off(app: SetApp) -> None:
    @app
    async def main() -> None:
        await asyncio.gather(yr.astep(work), yr.astep(work, name="other"))

    entries = log(in_step("0-1.1"), step(StepOutcome(b'""'), "0-2.1", name="work"))
    assert said(verdict(*entries)) == [
        "entry 2:",
        "recorded:  step 0-2.1, work",
        "attempted: step 0-2.1, other",
    ]


def verdict(*entries: RecordedEntry, seconds: float = SECONDS) -> Verdict:
    """On a log that was never played."""
    subject = Subject(uuid4(), APP_ID, ENTRY_POINT, "", list(entries), seconds)
    return in_child(verdict_on, subject, SECONDS)


# What is told apart.


def work() -> str:
    return "worked"


def original() -> str:
    yr.markdown("one")
    yr.step(work)
    name = yr.text_input("Who?")
    yr.markdown("two")
    return name


def event_removed() -> str:
    yr.markdown("one")
    yr.step(work)
    return yr.text_input("Who?")


def event_added() -> str:
    yr.markdown("one")
    yr.markdown("between")
    yr.step(work)
    return yr.text_input("Who?")


def event_added_at_the_end() -> str:
    name = original()
    yr.markdown("three")
    return name


def step_renamed() -> str:
    yr.markdown("one")
    yr.step(work, name="play")
    return yr.text_input("Who?")


def step_removed() -> str:
    yr.markdown("one")
    return yr.text_input("Who?")


def step_added() -> str:
    name = original()
    yr.step(work)
    return name


def other_prompt() -> str:
    yr.markdown("one")
    yr.step(work)
    return yr.buttons(["Ada", "Bob"], "Who?")


def another_question() -> str:
    name = original()
    return name + yr.text_input("And?")


def no_layout() -> str:
    with yr.container():
        return original()


def raises() -> str:
    yr.markdown("one")
    raise ValueError("not today")


def raises_at_the_end() -> str:
    original()
    raise ValueError("not today")


def other_exit_code() -> str:
    original()
    yr.exit(3, "broken")


def loops() -> str:
    yr.markdown("one")
    threading.Event().wait()
    return ""


def crashes() -> str:
    os._exit(7)


MISMATCHES = [
    (
        event_removed,
        5,
        f"markdown-2, chunk 1, of {APP_ID}",
        f"exit of {APP_ID} with code 0: Yera program completed successfully.",
    ),
    (event_added, 3, f"input_request-1, chunk 1, of {APP_ID}", f"markdown-2, chunk 1, of {APP_ID}"),
    (event_added_at_the_end, 6, f"exit-1, chunk 1, of {APP_ID}", f"markdown-3, chunk 1, of {APP_ID}"),
    (step_renamed, 2, "step 0.1, work", "step 0.1, play"),
    (
        step_removed,
        2,
        "step 0.1, work",
        f"exit of {APP_ID} with code 0: Yera program completed successfully.",
    ),
    (step_added, 6, f"exit-1, chunk 1, of {APP_ID}", "step 0.2, work"),
    (other_prompt, 3, f"input_request-1, chunk 1, of {APP_ID}", f"buttons-1, chunk 1, of {APP_ID}"),
    (another_question, 6, f"exit-1, chunk 1, of {APP_ID}", f"input_request-2, chunk 1, of {APP_ID}"),
    (no_layout, 1, f"markdown-1, chunk 1, of {APP_ID}", f"container-1, chunk 1, of {APP_ID}"),
    (
        raises,
        2,
        "step 0.1, work",
        f"exit of {APP_ID} with code 1: Error during app execution: not today",
    ),
    (
        raises_at_the_end,
        6,
        f"exit of {APP_ID} with code 0: Yera program completed successfully.",
        f"exit of {APP_ID} with code 1: Error during app execution: not today",
    ),
    (
        other_exit_code,
        6,
        f"exit of {APP_ID} with code 0: Yera program completed successfully.",
        f"exit of {APP_ID} with code 3: broken",
    ),
]


@pytest.mark.parametrize(
    ("changed", "seq", "recorded", "attempted"), MISMATCHES, ids=[case[0].__name__ for case in MISMATCHES]
)
def test_changed_app_is_told_apart(
    app: SetApp,
    new_session: NewSession,
    changed: Callable[..., Any],
    seq: int,
    recorded: str,
    attempted: str,
) -> None:
    app(original)
    session = record(new_session(), "Ada")
    app(changed)
    verdict = verified(session)
    assert said(verdict)[:3] == [f"entry {seq}:", f"recorded:  {recorded}", f"attempted: {attempted}"]
    assert not verdict.matches


def other_text() -> str:
    yr.markdown("one and a half")
    yr.step(work)
    name = yr.text_input("Whoever?")
    yr.markdown("two")
    return name


def other_value() -> str:
    return original() + "!"


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        (
            other_text,
            [
                "entry 1, markdown-1: content 'one' is now 'one and a half'",
                "entry 3, input_request-1: message 'Who?' is now 'Whoever?'",
            ],
        ),
        (other_value, ["entry 6, exit-1: return_value 'Ada' is now 'Ada!'"]),
    ],
)
def test_other_data_is_a_warning(
    app: SetApp, new_session: NewSession, changed: Callable[..., Any], lines: list[str]
) -> None:
    app(original)
    session = record(new_session(), "Ada")
    app(changed)
    verdict = verified(session)
    headline = f"{session.id}  matches (6 entries, {len(lines)} with other data)"
    assert list(verdict.lines()) == [headline, *(f"  {line}" for line in lines)]


def test_other_data_is_told_up_to_the_mismatch(app: SetApp, new_session: NewSession) -> None:
    @app
    def main() -> None:
        yr.markdown("a")
        yr.markdown("b")

    session = record(new_session())

    @app
    def changed() -> None:
        yr.markdown("A")

    verdict = verified(session)
    assert said(verdict) == [
        "entry 1, markdown-1: content 'a' is now 'A'",
        "entry 2:",
        f"recorded:  markdown-2, chunk 1, of {APP_ID}",
        f"attempted: exit of {APP_ID} with code 0: Yera program completed successfully.",
    ]
    assert (verdict.matches, verdict.differing) == (False, 1)


def test_waiting_session_matches_whatever_comes_later(app: SetApp, new_session: NewSession) -> None:
    app(original)
    session = record(new_session())
    app(other_exit_code)
    assert verified(session).matches


def test_nested_app_is_told_from_its_caller(app: SetApp, new_session: NewSession) -> None:
    @yr.app(model=False)
    def inner() -> None:
        yr.markdown("inside")

    @app
    def main() -> None:
        inner()

    session = record(new_session())

    @app
    def changed() -> None:
        yr.markdown("inside")

    assert said(verified(session))[1:] == [
        f"recorded:  markdown-1, chunk 1, of {inner.id}",
        f"attempted: markdown-1, chunk 1, of {APP_ID}",
    ]


@pytest.mark.parametrize("with_traceback", [True, False])
def test_app_that_fails_as_before_matches(
    app: SetApp, new_session: NewSession, settings: Any, with_traceback: bool
) -> None:
    """The exit may have a traceback, which is of the server's making."""
    app(raises)
    settings.DEBUG = with_traceback
    session = record(new_session())
    settings.DEBUG = False
    assert list(verified(session).lines()) == [f"{session.id}  matches (2 entries)"]


def test_exception_comes_with_its_traceback(app: SetApp, new_session: NewSession) -> None:
    app(original)
    session = record(new_session(), "Ada")
    app(raises)
    assert "ValueError: not today" in list(verified(session).lines())[-1]


# Apps that come to no end, and files that give none.


def test_app_that_hangs_is_told_with_the_place(app: SetApp, new_session: NewSession) -> None:
    app(original)
    session = record(new_session(), "Ada")
    app(loops)
    verdict = verified(session, 0.2)
    assert said(verdict)[:3] == [
        "entry 2:",
        "recorded:  step 0.1, work",
        "attempted: nothing more within 0.2 s",
    ]
    assert "in loops" in verdict.failure


def test_app_that_ends_its_process_stops_nobody(app: SetApp, new_session: NewSession) -> None:
    app(original)
    session = record(new_session(), "Ada")
    app(crashes)
    assert said(verified(session)) == ["entry 6:", "attempted: The app ended its process with exit code 7."]


def test_error_outside_of_the_app_is_a_mismatch(app: SetApp, new_session: NewSession) -> None:
    """What a play cannot hold, such as a task that its app cancels."""

    @app
    async def main() -> None:
        await yr.atext_input("Who?")
        yr.markdown("two")

    session = record(new_session(), "Ada")

    @app
    async def changed() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    assert "CancelledError" in said(verified(session))[1]


@pytest.mark.usefixtures("author_process", "transactional_db")
@pytest.mark.parametrize("source", ["1 / 0", "import sys\nsys.exit(3)", "import yera", None])
def test_file_without_the_app_is_a_mismatch(tmp_path: Path, source: str | None) -> None:
    file = tmp_path / "gone.py"
    file.write_text("import yera as yr\n\n@yr.app(model=False)\ndef main():\n    yr.markdown('one')\n")
    App.objects.create(id="gone.main", name="gone", entry_point=f"{file}:main")
    session = Session(app_id="gone.main")
    event_log.create(session)
    record(session)
    file.unlink() if source is None else file.write_text(source)
    place, attempted = said(verified(session))[:2]
    assert place == "entry 2:"
    assert attempted.startswith(("attempted: gone.main: ", f"attempted: {file}:main: "))


@pytest.mark.usefixtures("author_process", "transactional_db")
def test_file_that_has_changed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    file.write_text("import yera as yr\n\n@yr.app(model=False)\ndef main():\n    yr.markdown('one')\n")
    App.objects.create(id="one.main", name="one", entry_point=f"{file}:main")
    session = Session(app_id="one.main", code_hash=discovery.code_hash(f"{file}:main"))
    event_log.create(session)
    record(session)
    assert not verified(session).has_other_code
    file.write_text(file.read_text() + "# mended\n")
    (headline,) = verified(session).lines()
    assert headline == f"{session.id}  matches (2 entries, the app's file has changed)"
