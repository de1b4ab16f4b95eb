"""Where a turn's time goes: `python -m tests.benchmark.parts` prints the medians of its parts in µs.

In one process, without HTTP; a turn has one of each, but two commits and two hand-overs.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import django
import uvloop

ROUNDS = 500
Step = Callable[[], Awaitable[object]]


async def median_microseconds(step: Step) -> float:
    timings = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        await step()
        timings.append((time.perf_counter() - start) * 1e6)
    return statistics.median(timings)


async def measure() -> dict[str, float]:
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

    parts: dict[str, Step] = {
        "checking the posted body": validate,
        "a hand-over to a thread and back": lambda: in_database(lambda: None),
        "reading what the session waits for, hand-over included": lambda: in_database(
            log_reading.standing, session.id
        ),
        "a commit, hand-over included": commit,
    }
    figures = {name: await median_microseconds(step) for name, step in parts.items()}
    writer.stop()
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{Path(folder) / 'db.sqlite3'}"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yera_project.settings")
        django.setup()
        from django.core.management import call_command

        from apps_app.models import App

        call_command("migrate", verbosity=0)
        App.objects.create(id="some.app", name="some app", entry_point="some.py:app")
        for name, figure in uvloop.run(measure()).items():
            print(f"{name:60}{figure:8.0f}")  # noqa: T201


if __name__ == "__main__":
    main()
