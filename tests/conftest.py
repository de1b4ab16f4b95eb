"""Settings of the test run itself, and the servers that tests share."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from tests.server import ROOT, ServerProcess

logging.getLogger("httpx").setLevel(logging.WARNING)  # one line a request is too much

APP_FOLDERS = [ROOT / "tests" / "conformance" / "apps", ROOT / "tests" / "end_to_end" / "apps"]
APPS_DIRS = os.pathsep.join(map(str, APP_FOLDERS))


@pytest.fixture(scope="session", autouse=True)
def plain_static_files() -> Iterator[None]:
    """Keep what `make serve` once collected in this checkout out of the tests' pages."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}):
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One real server for the tests that do it no harm; the others start their own."""
    process = ServerProcess(tmp_path_factory.mktemp("server"), YERA_APPS_DIRS=APPS_DIRS).start()
    yield process
    process.dispose()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Start a server of this test's own; keyword arguments are environment variables."""
    started: list[ServerProcess] = []

    def start(**environment: str) -> ServerProcess:
        folder = tmp_path / f"server-{len(started)}"
        folder.mkdir()
        process = ServerProcess(folder, **{"YERA_APPS_DIRS": APPS_DIRS, **environment})
        started.append(process)
        return process.start()

    yield start
    for process in started:
        process.dispose()
