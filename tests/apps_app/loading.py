"""What the tests of discovery find, load and play."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps_app import discovery
from apps_app.discovery import load
from apps_app.dsl.app import play
from apps_app.dsl.runtime import Exited
from tests.apps_app.recording import RecordingRuntime


def found() -> list[discovery.Source]:
    def refuse(error: OSError) -> None:
        raise error

    return list(discovery.sources(refuse))


def result_of(file: Path, app_id: str) -> str:
    """What the app returns, loaded and played in the context of the call."""
    runtime = RecordingRuntime()
    with pytest.raises(Exited):
        play(load(f"{file}:{app_id.rpartition('.')[2]}", app_id), runtime)
    assert runtime.failure == ""
    return str(runtime.events[-1]["data"]["return_value"])
