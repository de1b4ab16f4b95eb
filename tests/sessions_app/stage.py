"""A stage: plays one session to its end, with runners that park it, die and are replaced on the way."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from sessions_app import event_log
from sessions_app.dispatch.recovery import release
from sessions_app.exits import cancellation
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.models import ENDED, Kind, Session, Status
from sessions_app.runner import Runner
from sessions_app.writes import NewEntry, Write
from tests.deadline import until
from tests.sessions_app.playing import APP_ID, ENTRY_POINT, entries, interaction
from tests.sessions_app.runners import SECONDS, is_running

# What a client that knows of retracts has in the end, by which two ways of playing are compared.
Story = list[tuple[str, int, str | None, Any]]


class Stage:
    """`session` is played by `runner`; the rest of the server is the test."""

    def __init__(self, session: Session, writer: LogWriter, loop: asyncio.AbstractEventLoop) -> None:
        self.session = session
        self.writer = writer
        self._loop = loop
        self._count = 0
        self._family = [self]
        self.runner = self._new_runner()

    def beside(self) -> Stage:
        """Another session of the same app, with the same runner."""
        session = Session(app_id=self.session.app_id)
        event_log.create(session)
        stage = copy.copy(self)
        stage.session = session
        self._family.append(stage)
        return stage

    def begin(self, entry_point: str = ENTRY_POINT) -> None:
        self.runner.advance(self.session.id, APP_ID, entry_point)

    def status(self) -> str:
        self.session.refresh_from_db()
        return self.session.status

    def rests(self) -> bool:
        """Whether it comes to a pause or to a sleep."""
        return until(lambda: self.status() not in (Status.CREATED, Status.RUNNING))

    def pauses(self) -> bool:
        """Whether it comes to wait for an answer or to end."""

        def is_paused() -> bool:
            return self.status() not in (Status.CREATED, Status.RUNNING) and self.session.wake_at is None

        return until(is_paused)

    def answer(self, value: Any) -> None:
        """Answer the first prompt that is pending."""
        self.runner.wake(self.session.id, self.record(value))

    def record(self, value: Any) -> Entry:
        """Record such an answer as the web process does, without telling the runner."""
        return record_first(self.writer, self.session, value)

    def park(self) -> None:
        """Have the runner give the session up."""

        def is_parked() -> bool:
            self.runner.park_idle(0)
            return not Session.objects.filter(id=self.session.id).exclude(owner="").exists()

        assert until(is_parked)

    def cancel(self) -> None:
        """As the web process does, without telling the runner."""
        self.writer.submit(cancellation(self.session.id, APP_ID)).result(SECONDS)

    def kill(self, *, end_runs: bool = True) -> None:
        """The runner is gone: what recovery does, then the next runner.

        What the old one runs in this process is ended too, or left to find out by itself.
        """
        for held in Session.objects.filter(owner=self.runner.name):
            self.writer.submit(release(held)).result(SECONDS)
        Session.objects.filter(id=self.session.id).update(is_suspect=False)
        if end_runs:
            self.runner.halt(self.session.id)
        self.runner = self._new_runner()
        self.runner.sweep()

    def close(self) -> None:
        """End the session and those beside it, and everything that played them."""
        for stage in self._family:
            if stage.status() not in ENDED:
                stage.cancel()
            self.runner.halt(stage.session.id)
        assert until(lambda: not is_running(self.runner))

    def _new_runner(self) -> Runner:
        self._count += 1
        return Runner(f"runner-{self._count}", self.writer, self._loop)


def record_first(writer: LogWriter, session: Session, value: Any) -> Entry:
    """Record an answer to the first prompt that is pending; raises FencedError where somebody was faster."""
    session.refresh_from_db()
    (prompt, *missing), seq = session.pending, session.last_seq + 1
    entry = interaction(seq, prompt["block_id"], value)
    changes = {
        "status": Status.WAITING if missing else Status.RUNNING,
        "pending": missing,
        "turn_seq": seq,
    }
    where = {"status": Status.WAITING, "last_seq": seq - 1}
    write = Write(session.id, where, [NewEntry(Kind.INTERACTION, entry.payload)], changes)
    writer.submit(write).result(SECONDS)
    return entry


def story(session_id: UUID) -> Story:
    """The events of a log that stand: block id, chunk id, parent and data."""
    gone: set[int] = set()
    for entry in entries(session_id):
        if entry.kind == "retract":
            retract = json.loads(entry.payload)
            gone |= set(range(retract["from_seq"], retract["to_seq"] + 1))
    return told(json.loads(e.payload) for e in entries(session_id) if e.kind == "event" and e.seq not in gone)


def told(events: Iterable[dict[str, Any]]) -> Story:
    return [(e["block_id"], e["chunk_id"], e["parent_block_id"], e["data"]) for e in events]


def play_to_end(stage: Stage, answers: Sequence[Any], between: Callable[[Stage], None]) -> Story:
    """Play with these answers, and do something with the stage at each wait."""
    stage.begin()
    for answer in answers:
        assert stage.pauses()
        assert stage.status() == Status.WAITING, (stage.session.exit, stage.session.divergence)
        between(stage)
        if callable(answer):
            answer(stage)
        else:
            stage.answer(answer)
    assert stage.pauses()
    assert stage.status() in ENDED, (stage.session.status, stage.session.divergence)
    return story(stage.session.id)
