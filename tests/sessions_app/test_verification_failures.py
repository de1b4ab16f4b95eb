"""Verifying apps that come to no end, and files that give none: each is told, none stops the verifying."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import apps_app.dsl as yr
from apps_app import discovery
from apps_app.models import App
from sessions_app import event_log
from sessions_app.models import Session
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.verified_apps import crashes, original
from tests.sessions_app.verifying import record, said, verified

pytest_plugins = ["tests.apps_app.app_files"]
pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]


def loops() -> str:
    yr.markdown("one")
    threading.Event().wait()
    return ""


def test_app_that_hangs_is_told_with_the_place(app: SetApp, new_session: NewSession) -> None:
    app(original)
    session = record(new_session(), "Ada")
    app(loops)
    verdict = verified(session, 0.2)
    assert said(verdict)[:3] == [
        "entry 2:",
        "recorded:  step 0.1, work",
        "attempted: nothing more within 0.2 s",
    ]
    assert "in loops" in verdict.failure


def test_app_that_ends_its_process_stops_nobody(app: SetApp, new_session: NewSession) -> None:
    app(original)
    session = record(new_session(), "Ada")
    app(crashes)
    assert said(verified(session)) == ["entry 6:", "attempted: The app ended its process with exit code 7."]


def test_error_outside_of_the_app_is_a_mismatch(app: SetApp, new_session: NewSession) -> None:
    """What a play cannot hold, such as a task that its app cancels."""

    @app
    async def main() -> None:
        await yr.atext_input("Who?")
        yr.markdown("two")

    session = record(new_session(), "Ada")

    @app
    async def changed() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    assert "CancelledError" in said(verified(session))[1]


@pytest.mark.usefixtures("author_process", "transactional_db")
@pytest.mark.parametrize("source", ["1 / 0", "import sys\nsys.exit(3)", "import yera", None])
def test_file_without_the_app_is_a_mismatch(tmp_path: Path, source: str | None) -> None:
    file = tmp_path / "gone.py"
    file.write_text("import yera as yr\n\n@yr.app(model=False)\ndef main():\n    yr.markdown('one')\n")
    App.objects.create(id="gone.main", name="gone", entry_point=f"{file}:main")
    session = Session(app_id="gone.main")
    event_log.create(session)
    record(session)
    file.unlink() if source is None else file.write_text(source)
    place, attempted = said(verified(session))[:2]
    assert place == "entry 2:"
    assert attempted.startswith(("attempted: gone.main: ", f"attempted: {file}:main: "))


@pytest.mark.usefixtures("author_process", "transactional_db")
def test_file_that_has_changed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    file.write_text("import yera as yr\n\n@yr.app(model=False)\ndef main():\n    yr.markdown('one')\n")
    App.objects.create(id="one.main", name="one", entry_point=f"{file}:main")
    session = Session(app_id="one.main", code_hash=discovery.code_hash(f"{file}:main"))
    event_log.create(session)
    record(session)
    assert not verified(session).has_other_code
    file.write_text(file.read_text() + "# mended\n")
    (headline,) = verified(session).lines()
    assert headline == f"{session.id}  matches (2 entries, the app's file has changed)"
