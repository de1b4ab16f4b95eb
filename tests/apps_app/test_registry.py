"""A scan of all sources: what it finds, and what it leaves out."""

from __future__ import annotations

import hashlib

import pytest

from apps_app import registry

pytest_plugins = ["tests.apps_app.app_files"]


def only_problem(catalogue: registry.Catalogue) -> registry.Problem:
    (problem,) = catalogue.problems
    return problem


def test_a_found_app_is_the_row_that_it_should_have(folder):
    file = folder.write(
        "sub/greet.py",
        '''
        import yera as yr

        @yr.app(name="Greeter")
        def main(name: str) -> None:
            """Says hello."""
        ''',
    )
    catalogue = registry.scan()
    assert catalogue.problems == []
    row = catalogue.apps["sub.greet.main"]
    assert (row.id, row.name, row.description) == ("sub.greet.main", "Greeter", "Says hello.")
    assert row.path == ["sub"]
    assert (row.entry_point, row.location) == (f"{file}:main", str(file))
    assert row.inputs_schema["properties"] == {"name": {"type": "string"}}
    assert row.code_hash == hashlib.sha256(file.read_bytes()).hexdigest()
    assert row.active


def test_a_django_app(folders, shop):
    shop.write_app("shop/yera_apps.py", "order")
    row = registry.scan().apps["shop.yera_apps.order"]
    assert (row.entry_point, row.location) == ("shop.yera_apps:order", "shop.yera_apps")


def test_a_broken_django_app_shows_its_own_lines_only(folders, shop):
    file = shop.write("shop/yera_apps.py", "def fail():\n    1 / 0\nfail()")
    problem = only_problem(registry.scan())
    assert problem.where == "shop.yera_apps"
    assert problem.details.startswith(f'Traceback (most recent call last):\n  File "{file}", line 3')


def test_the_first_folder_wins_and_the_other_is_named(folders):
    first, second = folders
    winner, loser = first.write_app("a.py", "main"), second.write_app("a.py", "main", "other")
    catalogue = registry.scan()
    assert catalogue.apps["a.main"].location == str(winner)
    assert catalogue.apps["a.other"].location == str(loser)
    problem = only_problem(catalogue)
    assert str(problem) == f"a.main: {loser}:main is left out, since {winner}:main comes first."


def test_a_missing_folder_is_reported(folders, settings, tmp_path):
    settings.YERA_APPS_DIRS = str(tmp_path / "missing")
    assert f"{tmp_path / 'missing'}: No such file or directory" in str(only_problem(registry.scan()))


@pytest.mark.parametrize("line", ["1 / 0", "raise SystemExit", "raise BaseException", "import nothing_such"])
def test_a_broken_file_is_a_problem_and_stops_no_other(folder, line):
    broken = folder.write("a.py", line)
    folder.write_app("b.py", "main")
    catalogue = registry.scan()
    assert list(catalogue.apps) == ["b.main"]
    problem = only_problem(catalogue)
    assert problem.where == str(broken)
    assert f'File "{broken}", line 1' in str(problem)


def test_what_a_file_prints_goes_to_stderr(folder, capsys):
    folder.write("a.py", "print('noise')")
    registry.scan()
    assert capsys.readouterr() == ("", "noise\n")


@pytest.mark.parametrize(
    ("arguments", "parameter", "reason"),
    [
        ("", "x: object.__class__.mro", "parameter 'x'"),
        (f"name={'n' * 256!r}", "", "at most 255 characters"),
        ("name=object()", "", "not JSON serializable"),
    ],
)
def test_an_app_that_cannot_have_a_row_stops_no_other_of_its_file(folder, arguments, parameter, reason):
    file = folder.write_app("a.py", "fine")
    file.write_text(f"{file.read_text()}@yr.app({arguments})\ndef odd({parameter}): ...\n")
    catalogue = registry.scan()
    assert list(catalogue.apps) == ["a.fine"]
    assert only_problem(catalogue).where == f"{file}:odd"
    assert reason in str(only_problem(catalogue))


def test_an_id_that_is_too_long(folder):
    function = "f" * 254
    folder.write_app("a.py", function)
    catalogue = registry.scan()
    assert catalogue.apps == {}
    assert str(only_problem(catalogue)).startswith(f"a.{function}: ")
    assert "(it has 256)" in str(only_problem(catalogue))


def test_text_and_numbers_that_no_database_takes_are_made_storable(folder):
    folder.write(
        "a.py",
        r"""
        import yera as yr

        @yr.app(name="a\0b", description="\ud800")
        def main(x: float = float("nan")): ...
        """,
    )
    row = registry.scan().apps["a.main"]
    assert (row.name, row.description) == ("a\ufffdb", "\ufffd")
    assert row.inputs_schema["properties"]["x"] == {"type": "number", "default": None}


class TestLoadError:
    """Of a row that was known before."""

    def test_none_while_the_app_is_there(self, folder):
        folder.write_app("a.py", "main")
        catalogue = registry.scan()
        assert catalogue.load_error(catalogue.apps["a.main"]) == ""

    def test_a_file_that_is_gone(self, folder):
        file = folder.write_app("a.py", "main")
        known = registry.scan().apps["a.main"]
        file.unlink()
        assert f"a.main: {file} is gone" in registry.scan().load_error(known)

    def test_a_function_that_is_gone(self, folder):
        file = folder.write_app("a.py", "main", "other")
        known = registry.scan().apps["a.main"]
        folder.write_app("a.py", "other")
        assert registry.scan().load_error(known) == f"a.main: {file} no longer defines it."

    def test_a_broken_file(self, folder):
        file = folder.write_app("a.py", "main")
        known = registry.scan().apps["a.main"]
        file.write_text("1 / 0")
        assert "ZeroDivisionError" in registry.scan().load_error(known)

    def test_a_broken_file_keeps_its_ids(self, folders):
        first, second = folders
        file = first.write_app("a.py", "main")
        known = registry.scan().apps["a.main"]
        second.write_app("a.py", "main")
        file.write_text("1 / 0")
        assert "ZeroDivisionError" in registry.scan().load_error(known)
        file.unlink()
        assert registry.scan().load_error(known) == ""

    def test_an_app_that_an_earlier_folder_now_has(self, folders):
        first, second = folders
        second.write_app("a.py", "main")
        known = registry.scan().apps["a.main"]
        first.write_app("a.py", "main")
        catalogue = registry.scan()
        assert [problem.where for problem in catalogue.problems] == [known.entry_point]
        assert catalogue.load_error(known) == ""
