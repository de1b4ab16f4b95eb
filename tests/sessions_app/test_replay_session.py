"""The `replay_session` command: its output, its exit code, its refusals."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

import apps_app.dsl as yr
from sessions_app.models import Session
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID
from tests.sessions_app.verifying import record, rows

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]
MATCHES = "matches (2 entries)"


def run(*arguments: str) -> list[str]:
    """The lines of stdout."""
    out = StringIO()
    call_command("replay_session", *arguments, stdout=out)
    return out.getvalue().splitlines()


def refused(*arguments: str) -> tuple[list[str], str]:
    """The lines of stdout, and the error that makes it exit with 1."""
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("replay_session", *arguments, stdout=out)
    assert caught.value.returncode == 1
    return out.getvalue().splitlines(), str(caught.value)


@pytest.fixture
def old_app(app: SetApp) -> None:
    @app
    def main() -> None:
        sys.stdout.write("printed\n")
        sys.stdout.flush()
        yr.markdown("one")


@pytest.fixture
def new_app(app: SetApp) -> Callable[[], Any]:
    """Changes the app."""

    def change() -> None:
        @app
        def main() -> None:
            yr.markdown("one")
            yr.markdown("two")

    return change


@pytest.mark.usefixtures("old_app")
def test_session_that_matches(new_session: NewSession, capfd: pytest.CaptureFixture[str]) -> None:
    session = record(new_session())
    assert capfd.readouterr().out == "printed\n"
    before = rows(session)
    assert run(str(session.id)) == [f"{session.id}  {MATCHES}"]
    assert run(str(session.id).upper()) == [f"{session.id}  {MATCHES}"]
    assert rows(session) == before
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("old_app")
def test_session_that_does_not_match(new_session: NewSession, new_app: Callable[[], Any]) -> None:
    session = record(new_session())
    new_app()
    lines, error = refused(str(session.id))
    assert lines == [
        f"{session.id}  does not match (2 entries)",
        "  entry 2:",
        f"    recorded:  exit-1, chunk 1, of {APP_ID}",
        f"    attempted: markdown-2, chunk 1, of {APP_ID}",
    ]
    assert error == "Today's code does not do what is recorded."


@pytest.fixture
def sessions(
    app: SetApp, new_session: NewSession, old_app: None, new_app: Callable[[], Any]
) -> list[Session]:
    """Two of the app as it was, then one of the app as it is now, then one that waits."""
    played = [record(new_session()), record(new_session())]
    new_app()
    played.append(record(new_session()))

    @app
    def main() -> None:
        yr.text_input()

    played.append(record(new_session()))
    for day, session in enumerate(played, start=1):
        session.created_at = datetime.datetime(2026, 1, day, tzinfo=datetime.UTC)
        session.save()
    new_app()
    return played


def test_all_finished_are_played_newest_first(sessions: list[Session]) -> None:
    lines, error = refused("--all-finished", "--app", APP_ID)
    headlines = [line for line in lines if not line.startswith(" ")]
    assert headlines == [
        f"{sessions[2].id}  matches (3 entries)",
        f"{sessions[1].id}  does not match (2 entries)",
        f"{sessions[0].id}  does not match (2 entries)",
        "3 played, of which 2 do not match",
    ]
    assert error == "Today's code does not do what is recorded."


def test_limit_leaves_out_the_older_ones(sessions: list[Session]) -> None:
    assert run("--all-finished", "--app", APP_ID, "--limit", "1") == [
        f"{sessions[2].id}  matches (3 entries)",
        "1 played, of which 0 do not match",
    ]


def test_session_that_takes_its_time_is_given_up(app: SetApp, new_session: NewSession) -> None:
    @app
    def main() -> None:
        yr.text_input()

    session = record(new_session())

    @app
    def changed() -> None:
        while True:
            pass

    lines, _ = refused(str(session.id), "--seconds", "0.2")
    assert lines[3] == "    attempted: nothing more within 0.2 s"


@pytest.mark.usefixtures("app_row")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "Give the ID of a session, or --all-finished with --app ID."),
        (["--all-finished"], "Give the ID of a session, or --all-finished with --app ID."),
        ([str(uuid4()), "--app", APP_ID], "Give the ID of a session, or --all-finished with --app ID."),
        (
            [str(uuid4()), "--all-finished", "--app", APP_ID],
            "Give the ID of a session, or --all-finished with --app ID.",
        ),
        (["one"], "one is not the ID of a session, which is a UUID."),
        (["0" * 32], f"There is no session {'0' * 32}."),
        (
            ["--all-finished", "--app", "no.app"],
            "There is no app no.app. `manage.py seed_apps` takes up what is new.",
        ),
        (["--all-finished", "--app", APP_ID], f"No session of {APP_ID} is finished."),
        (
            ["--all-finished", "--app", APP_ID, "--limit", "0"],
            "Error: argument --limit: 0 is not a number from 1 on",
        ),
    ],
)
def test_what_cannot_be_played_is_refused(arguments: list[str], error: str) -> None:
    assert refused(*arguments) == ([], error)
