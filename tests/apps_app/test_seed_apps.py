"""The `seed_apps` command: its output and its exit code."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps_app.models import App

pytest_plugins = ["tests.apps_app.app_files"]
pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[list[str], str]:
    """The lines of stdout, and stderr."""
    out, err = StringIO(), StringIO()
    call_command("seed_apps", *arguments, stdout=out, stderr=err)
    return out.getvalue().splitlines(), err.getvalue()


def test_it_prints_changes_and_the_unchanged(folder):
    folder.write_app("a.py", "main")
    assert run() == (["added: a.main", "0 unchanged"], "")
    assert run() == (["1 unchanged"], "")


def test_problems_go_to_stderr_and_fail_nothing(folder):
    file = folder.write("a.py", "1 / 0")
    folder.write_app("b.py", "main")
    out, err = run()
    assert out == ["added: b.main", "0 unchanged"]
    assert err.startswith(f"a: {file} does not load: ZeroDivisionError: division by zero\nTraceback")
    assert f'File "{file}", line 1' in err


def test_check_fails_on_drift_and_writes_nothing(folder):
    folder.write_app("a.py", "main")
    with pytest.raises(CommandError, match="run seed_apps") as refused:
        run("--check")
    assert refused.value.returncode == 1
    assert not App.objects.exists()


def test_check_passes_when_in_step_whatever_is_broken(folder):
    folder.write("a.py", "1 / 0")
    folder.write_app("b.py", "main")
    run()
    out, err = run("--check")
    assert out == ["1 unchanged"]
    assert "ZeroDivisionError" in err
