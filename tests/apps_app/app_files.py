"""Folders of app files for the tests of finding, loading and seeding apps."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from apps_app import discovery


class AppFolder:
    """A folder of real app files. The first one written to is the first in `YERA_APPS_DIRS`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def write(self, name: str, source: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source))
        return file

    def write_app(self, name: str, *functions: str) -> Path:
        """A file with one app a function name."""
        apps = [f"@yr.app\ndef {function}() -> None: ...\n" for function in functions]
        return self.write(name, "import yera as yr\n" + "".join(apps))


@pytest.fixture
def author_process(tmp_path, monkeypatch):
    """A process that runs apps: what the test puts on the path or imports from there goes again."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    discovery.install_author_api()
    yield
    for name in set(sys.modules) - known:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def folders(author_process, tmp_path, settings, monkeypatch):
    """Two folders of app files in YERA_APPS_DIRS, and no shipped examples."""
    monkeypatch.setattr(discovery, "EXAMPLES", AppFolder(tmp_path / "examples").path)
    both = AppFolder(tmp_path / "first"), AppFolder(tmp_path / "second")
    settings.YERA_APPS_DIRS = f"{both[0].path}:{both[1].path}"
    return both


@pytest.fixture
def folder(folders):
    """The first folder of app files."""
    return folders[0]


@pytest.fixture
def shop(author_process, tmp_path, settings):
    """An installed Django app whose `yera_apps` module the test may write, in the returned folder."""
    package = AppFolder(tmp_path / "packages")
    package.write("shop/__init__.py", "")
    sys.path.append(str(package.path))
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "shop"]
    return package
