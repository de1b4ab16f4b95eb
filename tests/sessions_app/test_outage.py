"""A writer whose database takes nothing: what it refuses, and what operators are told of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from django.db import OperationalError

import apps_app.dsl as yr
from sessions_app import outage
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, Session, Status
from sessions_app.outage import Outage
from sessions_app.writes import FencedError, NewEntry, Write
from tests.deadline import until
from tests.sessions_app.conftest import NewStage
from tests.sessions_app.playing import entries
from tests.sessions_app.runners import is_running, swept
from tests.sessions_app.stage import story
from tests.storage import full_disk

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]
SECONDS = 20.0
FULL = OperationalError("database or disk is full")


def write(session: Session, *, epoch: int = 0) -> Write:
    return Write(session.id, {"epoch": epoch}, [NewEntry(Kind.EVENT, b"{}")])


def refusal_of(writer: LogWriter, session: Session, **options: Any) -> BaseException | None:
    return writer.submit(write(session, **options)).exception(SECONDS)


def test_outage_is_told_once_at_its_beginning_and_once_at_its_end(caplog: pytest.LogCaptureFixture) -> None:
    told = Outage()
    told.passed()
    for _ in range(3):
        told.refused(FULL)
    told.passed()
    told.passed()
    told.refused(FULL)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING", "ERROR"]
    assert "it refused 3" in caplog.messages[1]


def test_refusal_is_forgotten_but_not_the_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Outage()
    assert (told.is_on, told.recent) == (False, None)
    told.refused(FULL)
    assert (told.is_on, told.recent) == (True, FULL)
    monkeypatch.setattr(outage, "RECENT_SECONDS", 0)
    assert (told.is_on, told.recent) == (True, None)
    told.passed()
    assert not told.is_on


def test_full_disk_refuses_until_there_is_room(
    writer: LogWriter, new_session: NewSession, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = new_session(), new_session()
    with full_disk(psutil.Process()):
        refused = [refusal_of(writer, one) for _ in range(3)]
        assert writer.refusal is not None
    assert [type(error) for error in refused] == [OperationalError] * 3
    assert refusal_of(writer, other) is None
    assert refusal_of(writer, one) is not None, "a run whose entry was refused writes no other: a hole"
    assert refusal_of(writer, one, epoch=1) is not None
    assert writer.refusal is None
    assert (len(entries(one.id)), len(entries(other.id))) == (0, 1)
    assert caplog.text.count("refuses commits") == caplog.text.count("takes commits again") == 1


def test_nothing_written_is_no_end_of_an_outage(writer: LogWriter, new_session: NewSession) -> None:
    session = new_session()
    with full_disk(psutil.Process()):
        refusal_of(writer, session)
        assert isinstance(refusal_of(writer, session, epoch=7), FencedError)
        assert writer.refusal is not None


def test_runner_is_quiet_while_the_disk_is_full(
    new_stage: NewStage, writer: LogWriter, caplog: pytest.LogCaptureFixture
) -> None:
    """It tries again at each sweep: to take up a session, and to give up those that it had to stop."""
    may_write = threading.Event()

    def main() -> None:
        may_write.wait(SECONDS)
        yr.markdown("written")

    stage = new_stage(main)
    stages = [stage, *(stage.beside() for _ in range(3))]
    for each in stages:
        each.begin()
    assert until(lambda: {each.status() for each in stages} == {Status.RUNNING})
    stages.append(stage.beside())  # nobody has taken it up
    with full_disk(psutil.Process()):
        may_write.set()
        assert until(lambda: not is_running(stage.runner))
        for _ in range(5):
            stage.runner.sweep()
            assert isinstance(refusal_of(writer, stage.session), OperationalError)
        assert [record.name for record in caplog.records] == [
            "sessions_app.log_writer",
            "sessions_app.outage",
        ]
    assert until(lambda: swept(stage.runner) and {each.status() for each in stages} == {Status.FINISHED})
    for each in stages:
        assert [content for _, _, _, content in story(each.session.id)][0] == {"content": "written"}
        assert len(entries(each.session.id)) == 2
