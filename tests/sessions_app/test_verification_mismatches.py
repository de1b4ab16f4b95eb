"""Verifying a changed app: what it does otherwise is told with its place, other data is a warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import apps_app.dsl as yr
from sessions_app.models import Session
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID
from tests.sessions_app.verified_apps import original, raises, work
from tests.sessions_app.verifying import record, said, verified

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]


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


def raises_at_the_end() -> str:
    original()
    raise ValueError("not today")


def other_exit_code() -> str:
    original()
    yr.exit(3, "broken")


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
