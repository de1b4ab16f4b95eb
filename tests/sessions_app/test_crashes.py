"""A runner dies at every boundary there is: what its clients have in the end is as if it had not.

CRASH_PAIRS is how many plays of each app have two crashes: some here, many in `make chaos`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest

from sessions_app import write_queue
from sessions_app.database import in_database
from sessions_app.log_writer import LogWriter
from sessions_app.models import Session
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.crash_apps import APPS, PROGRESS, CrashApp
from tests.sessions_app.crashing import Processes, Publish, announcing, check_log, check_steps
from tests.sessions_app.cut_client import CutClient, standing
from tests.sessions_app.playing import answers_of
from tests.sessions_app.stage import Story, record_first, story, told

pytestmark = pytest.mark.django_db(transaction=True)

PAIRS = int(os.environ.get("CRASH_PAIRS", "20"))
DRAWN = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[0-9:.+]+")

NewPlay = Callable[..., "Play"]

each_app = pytest.mark.parametrize("crash_app", APPS, ids=[crash_app.name for crash_app in APPS])


class Play:
    """One session of an app, played to its end whoever dies on the way."""

    def __init__(
        self, crash_app: CrashApp, session: Session, writer: LogWriter, processes: Processes
    ) -> None:
        self.crash_app = crash_app
        self.session = session
        self.processes = processes
        self._writer = writer

    def to_end(self) -> Play:
        """What must hold of any log is checked at once."""
        self.processes.current.advance(self.session.id)
        while not self._rests().is_ended:
            given = len(answers_of(self.session.id))
            answer = record_first(self._writer, self.session, self.crash_app.answers[given])
            self.processes.current.wake(self.session.id, answer)
        self.processes.end()
        check_log(self.session)
        check_steps(self.session)
        return self

    def _rests(self) -> Session:
        self.session = self.processes.rest(self.session.id)
        return self.session


@pytest.fixture
def new_play(
    app: SetApp,
    new_session: Callable[..., Session],
    writer: LogWriter,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> NewPlay:
    """A play of a new session, with crashes at these boundaries."""
    monkeypatch.setattr(write_queue, "COMMIT_ENTRIES", 1)  # as many boundaries as there can be

    def new_play(crash_app: CrashApp, *crashes: int, publish: Publish = lambda hints: None) -> Play:
        app(crash_app.function)
        return Play(crash_app, new_session(), writer, Processes(loop, writer, publish, crashes))

    return new_play


@each_app
def test_crash_at_every_boundary_is_invisible(crash_app: CrashApp, new_play: NewPlay) -> None:
    expected = comparable(new_play(crash_app).to_end())
    for boundary in itertools.count():
        play = new_play(crash_app, boundary).to_end()
        assert comparable(play) == expected, f"after a crash at boundary {boundary}"
        if not play.processes.deaths:
            break


@each_app
def test_crash_of_the_recovery_is_invisible_too(crash_app: CrashApp, new_play: NewPlay) -> None:
    uninterrupted = new_play(crash_app).to_end()
    expected, boundaries = comparable(uninterrupted), uninterrupted.processes.current.writer.passed
    chance = Random(1)
    for _ in range(PAIRS):
        first, second = (chance.randrange(boundaries) for _ in range(2))
        play = new_play(crash_app, first, second).to_end()
        assert comparable(play) == expected, f"after crashes at boundaries {first} and {second}"


async def test_client_that_is_cut_at_every_message_sees_no_crash(
    database: None, new_play: NewPlay, settings: Any
) -> None:
    settings.YERA_POLL_SECONDS = 0.01  # a hint may die with its process
    publish = announcing(asyncio.get_running_loop())
    for boundary in itertools.count():
        play = await in_database(partial(new_play, PROGRESS, boundary, publish=publish))
        client = CutClient(play.session.id)
        await asyncio.gather(in_database(play.to_end), client.follow())
        await in_database(client.check)
        assert told(standing(client.messages)) == await in_database(story, play.session.id)
        if not play.processes.deaths:
            break


def comparable(play: Play) -> Story:
    """What is the same in every play: whatever was drawn is named by the order in which it first comes."""
    events = story(play.session.id)
    if not play.crash_app.is_ordered:
        events = in_blocks(events)
    drawn: dict[str, str] = {}
    text = DRAWN.sub(lambda found: drawn.setdefault(found[0], f"drawn {len(drawn)}"), json.dumps(events))
    return [tuple(event) for event in json.loads(text)]


def in_blocks(events: Story) -> Story:
    """Block by block, in the order of what they say: steps side by side take their numbers as they come."""
    blocks: dict[str, Story] = defaultdict(list)
    for event in events:
        blocks[event[0]].append(event)
    for block_id, block in blocks.items():
        assert [event[1] for event in block] == list(range(1, len(block) + 1)), block_id
    without_numbers = [[(event[0].split("-")[0], *event[1:]) for event in block] for block in blocks.values()]
    return [event for block in sorted(without_numbers, key=json.dumps) for event in block]
