"""Imports go one way, and the log's table has few modules that touch it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import ROOT

PACKAGES = ("apps_app", "sessions_app", "yera_project")  # each may import itself and those before it
LOG_TABLE_MODULES = {
    "models.py",
    "columns.py",
    "event_log.py",
    "log_reading.py",
    "log_copy.py",
    "admin.py",
}


def sources(package: str) -> list[Path]:
    return [path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts]


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield module
            case ast.ImportFrom():
                pytest.fail(f"{path} imports relatively")


def named(path: Path) -> set[str]:
    """All names that a file uses, imports or gets as attributes."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                names.add(name)
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package: str) -> None:
    later = set(PACKAGES[PACKAGES.index(package) + 1 :])
    found = {
        str(path): later & {name.partition(".")[0] for name in imported(path)} for path in sources(package)
    }
    assert len(found) > 1
    assert {path: names for path, names in found.items() if names} == {}


def test_author_api_knows_nothing_of_django() -> None:
    for path in sources("apps_app/dsl"):
        assert "django" not in {name.partition(".")[0] for name in imported(path)}, path


def test_log_table_is_touched_in_few_modules() -> None:
    touching = {path.name for path in sources("sessions_app") if "LogEntry" in named(path)}
    assert "event_log.py" in touching
    assert touching <= LOG_TABLE_MODULES
