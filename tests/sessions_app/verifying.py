"""What the tests of verifying play first, and what they ask afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from apps_app.child import in_child
from sessions_app.log_reading import RecordedEntry
from sessions_app.log_writer import LogWriter
from sessions_app.models import LogEntry, Session, Status
from sessions_app.verdict import Verdict
from sessions_app.verification import Subject, verdict_on, verify
from tests.deadline import until
from tests.sessions_app.loops import running_loop
from tests.sessions_app.playing import APP_ID, ENTRY_POINT
from tests.sessions_app.runners import SECONDS, is_running
from tests.sessions_app.stage import Stage


def record(session: Session, *answers: Any) -> Session:
    """Play a session until these answers are used up and it waits or ends, and leave it without a runner.

    No thread is left either: verifying forks.
    """
    writer = LogWriter(lambda hints: None)
    writer.start()
    try:
        with running_loop() as loop:
            _play(Stage(session, writer, loop), answers)
    finally:
        writer.stop()
    return session


def _play(stage: Stage, answers: Sequence[Any]) -> None:
    session = stage.session
    stage.runner.advance(session.id, session.app_id, session.app.entry_point)
    for answer in answers:
        assert stage.pauses()
        assert stage.status() == Status.WAITING, stage.session.failure
        stage.answer(answer)
    assert stage.rests()
    if stage.status() == Status.WAITING:
        stage.park()
    assert until(lambda: not is_running(stage.runner))
    stage.session.refresh_from_db()


def rows(session: Session) -> list[Any]:
    """All that the database has of a session."""
    entries = LogEntry.objects.filter(session=session).order_by("seq")
    return [*Session.objects.filter(id=session.id).values(), *entries.values()]


def verified(session: Session, seconds: float = SECONDS) -> Verdict:
    """The verdict on a session, which is left as it is."""
    before = rows(session)
    verdict = verify(session, seconds)
    assert rows(session) == before
    return verdict


def verdict(*entries: RecordedEntry, seconds: float = SECONDS) -> Verdict:
    """On a log that was never played."""
    subject = Subject(uuid4(), APP_ID, ENTRY_POINT, "", list(entries), seconds)
    return in_child(verdict_on, subject, SECONDS)


def said(verdict: Verdict) -> list[str]:
    """The lines of a verdict after its headline, without a traceback."""
    return [line.strip() for line in list(verdict.lines())[1:] if not line.startswith(" " * 6)]
