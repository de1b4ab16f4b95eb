"""Where a turn's time goes: its parts by themselves, in one process, without HTTP.

A turn has one of each, but two commits and two hand-overs. They are measured in a process of their own,
`python -m tests.benchmark.parts ROUNDS`, which sets Django up and prints what each round took, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import django
import uvloop

from tests.benchmark.figures import Figure, timings
from tests.server import ROOT

Step = Callable[[], Awaitable[object]]


def parts(*, short: bool) -> list[Figure]:
    command = [sys.executable, "-m", "tests.benchmark.parts", "10" if short else "1000"]
    measured = json.loads(subprocess.check_output(command, cwd=ROOT))
    return [timings("where a turn's time goes", name, values) for name, values in measured.items()]


async def milliseconds(step: Step, rounds: int) -> list[float]:
    values = []
    for _ in range(rounds):
        start = time.perf_counter()
        await step()
        values.append((time.perf_counter() - start) * 1000)
    return values


async def measure(rounds: int) -> dict[str, list[float]]:
    from sessions_app import log_reading
    from sessions_app.database import in_database
    from sessions_app.log_writer import LogWriter
    from sessions_app.models import Kind, Session, Status
    from sessions_app.serializers import UserInteraction
    from sessions_app.writes import NewEntry, Write

    writer = LogWriter(lambda hints: None)
    writer.start()
    session = Session(id=uuid.uuid4(), app_id="some.app")
    await asyncio.wrap_future(writer.submit(session))
    interaction = {"blockId": "input_request-1", "value": "x", "blockType": "text"}
    entry = NewEntry(Kind.EVENT, b'{"content": "' + b"x" * 280 + b'"}', closes_turn=True)
    changes = {"status": Status.WAITING, "pending": [{"block_id": "input_request-1"}]}
    serializer = UserInteraction()

    async def validate() -> object:
        return serializer.run_validation(interaction)

    async def commit() -> object:
        return await asyncio.wrap_future(writer.submit(Write(session.id, {"epoch": 0}, [entry], changes)))

    steps: dict[str, Step] = {
        "checking the posted body": validate,
        "a hand-over to a thread and back": lambda: in_database(lambda: None),
        "reading what the session waits for, hand-over included": lambda: in_database(
            log_reading.standing, session.id
        ),
        "a commit, hand-over included": commit,
    }
    values = {name: await milliseconds(step, rounds) for name, step in steps.items()}
    writer.stop()
    return values


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{Path(folder) / 'db.sqlite3'}"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yera_project.settings")
        django.setup()
        from django.core.management import call_command

        from apps_app.models import App

        call_command("migrate", verbosity=0)
        App.objects.create(id="some.app", name="some app", entry_point="some.py:app")
        print(json.dumps(uvloop.run(measure(int(sys.argv[1])))))  # noqa: T201


if __name__ == "__main__":
    main()
