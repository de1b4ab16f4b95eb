"""The `prune_sessions` command: its arguments and its output."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from sessions_app.models import Session, Status

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("prune_sessions", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def sessions(new_session: NewSession) -> None:
    """Some that ended 10, 20, 30 days ago, and one that lives."""
    over: dict[str, Any] = {"status": Status.FINISHED, "exit": {"exit_code": 0}}
    for days in (10, 20, 30):
        new_session(**over, finished_at=timezone.now() - datetime.timedelta(days=days))
    new_session()


def test_it_removes_what_is_older_and_says_how_many() -> None:
    assert run("--older-than", "3w") == "1 removed\n"
    assert run("--older-than", "12d", "--batch", "1") == "1 removed\n"
    assert run("--older-than=12d") == "0 removed\n"
    assert Session.objects.count() == 2


def test_dry_run_removes_nothing() -> None:
    assert run("--older-than", "15d", "--dry-run") == "2 would be removed\n"
    assert Session.objects.count() == 4


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--older-than"),
        (["--older-than", "soon"], "'soon' is no age: give a whole number and its unit"),
        (["--older-than", "9999999w"], "'9999999w' is longer ago than there are dates"),
        (["--older-than", "0s", "--batch", "0"], "'0' is no size of a batch: give 1 to 9999"),
        (["--older-than", "0s", "--batch", "10000"], "'10000' is no size of a batch"),
        (["--older-than", "0s", "--batch", "x"], "'x' is no size of a batch"),
    ],
)
def test_nonsense_is_refused(arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        run(*arguments)
    assert Session.objects.count() == 4
