"""Keeping the rows in step with the app files."""

from __future__ import annotations

import pytest

from apps_app import seeding
from apps_app.models import App

pytest_plugins = ["tests.apps_app.app_files"]
pytestmark = pytest.mark.django_db


def seeded() -> list[str]:
    return [str(change) for change in seeding.seed().changes]


def test_apps_are_added_once(folder):
    folder.write_app("a.py", "main", "other")
    assert seeded() == ["added: a.main", "added: a.other"]
    report = seeding.seed()
    assert (report.changes, report.unchanged) == ([], 2)
    assert list(App.objects.runnable().values_list("id", flat=True)) == ["a.main", "a.other"]


def test_a_change_names_its_fields(folder):
    file = folder.write_app("a.py", "main")
    seeding.seed()
    file.write_text(file.read_text() + "main.description = 'new'\n")
    assert seeded() == ["changed: a.main (description, code_hash)"]
    assert App.objects.get().description == "new"


@pytest.mark.parametrize(
    ("source", "load_error"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(2)", "SystemExit: 2"),
        ("raise BaseException('odd')", "BaseException: odd"),
        ("print('noise')", "no longer defines it"),
        (None, "is gone"),
    ],
)
def test_an_app_that_cannot_run_is_broken_until_it_can(folder, source, load_error):
    file = folder.write_app("a.py", "main")
    folder.write_app("b.py", "main")
    seeding.seed()
    known = App.objects.get(id="a.main")
    good = file.read_text()
    if source is None:
        file.unlink()
    else:
        file.write_text(source)

    assert seeded() == ["broken: a.main (load_error)"]
    row = App.objects.get(id="a.main")
    assert load_error in row.load_error
    assert not App.objects.runnable().filter(id="a.main").exists()
    assert row.code_hash == known.code_hash
    assert App.objects.runnable().filter(id="b.main").exists()
    assert seeded() == []

    file.write_text(good)
    assert seeded() == ["repaired: a.main (load_error)"]
    row = App.objects.get(id="a.main")
    assert row.load_error == ""


def test_the_operators_switch_outlasts_seeding(folder):
    file = folder.write_app("a.py", "main")
    seeding.seed()
    App.objects.update(active=False)
    file.write_text(file.read_text() + "# changed\n")
    assert seeded() == ["changed: a.main (code_hash)"]
    assert not App.objects.get().active


def test_a_broken_file_without_rows_is_only_reported(folder):
    folder.write("a.py", "1 / 0")
    report = seeding.seed()
    assert report.changes == []
    assert "ZeroDivisionError" in str(report.problems[0])
    assert not App.objects.exists()


def test_an_app_moves_to_another_folder(folders):
    first, second = folders
    file = first.write_app("a.py", "main")
    seeding.seed()
    file.rename(second.path / "a.py")
    assert seeded() == ["changed: a.main (entry_point)"]
    assert App.objects.get().location == str(second.path / "a.py")


def test_an_app_does_not_move_away_from_a_broken_file(folders):
    first, second = folders
    file = first.write_app("a.py", "main")
    seeding.seed()
    second.write_app("a.py", "main")
    file.write_text("1 / 0")
    assert seeded() == ["broken: a.main (load_error)"]
    assert App.objects.get().location == str(file)


def test_check_says_what_seed_would_do_and_writes_nothing(folder):
    folder.write_app("a.py", "main")
    assert [str(change) for change in seeding.check().changes] == ["added: a.main"]
    assert not App.objects.exists()
    seeding.seed()
    report = seeding.check()
    assert (report.changes, report.unchanged) == ([], 1)
