"""Verifying: an app that does what is recorded matches, and nothing of it is done again."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import apps_app.dsl as yr
from apps_app.dsl.runtime import StepOutcome
from apps_app.models import App
from sessions_app import event_log
from sessions_app.exits import cancellation, failed_exit
from sessions_app.models import Kind, Session, Status
from tests.server import ROOT
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.logs import log, markdown, shown, step
from tests.sessions_app.playing import APP_ID
from tests.sessions_app.verified_apps import crashes, original
from tests.sessions_app.verifying import record, verdict, verified

pytest_plugins = ["tests.apps_app.app_files"]
pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]
EXAMPLES = ROOT / "apps_app" / "examples"
CONFORMANCE = ROOT / "tests" / "conformance" / "apps"


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
