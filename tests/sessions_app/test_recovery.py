"""A dead runner's sessions: those that wait are given up, those that were in app code are suspects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper

from sessions_app.database import in_database
from sessions_app.dispatch import recovery
from sessions_app.dispatch.recovery import MAX_DEATHS, give_up
from sessions_app.log_writer import LogWriter
from sessions_app.models import Session, Status
from sessions_app.writes import Write
from tests.sessions_app.playing import exit_of, shown

GiveUp = Callable[..., Awaitable[Session]]
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def given_up(new_session: Callable[..., Session], writer: LogWriter) -> GiveUp:
    """A session with these columns, after the death of its runner, which had no other."""

    async def play(**columns: Any) -> Session:
        session = await in_database(new_session, owner="dead", epoch=3, **columns)
        await give_up(Session.objects.filter(owner="dead"), writer)
        await in_database(session.refresh_from_db)
        return session

    return play


async def test_session_that_waits_is_given_up(given_up: GiveUp) -> None:
    session = await given_up(status=Status.WAITING)
    assert (session.status, session.owner, session.epoch) == (Status.WAITING, "", 4)
    assert not session.is_suspect


async def test_session_that_was_in_app_code_is_a_suspect(given_up: GiveUp) -> None:
    session = await given_up(status=Status.RUNNING)
    assert (session.status, session.owner, session.epoch) == (Status.RUNNING, "", 4)
    assert (session.is_suspect, session.deaths) == (True, 0)  # it was not alone: it may have been another


async def test_death_of_a_runner_of_its_own_counts(given_up: GiveUp) -> None:
    session = await given_up(status=Status.RUNNING, is_suspect=True, deaths=1)
    assert (session.status, session.is_suspect, session.deaths) == (Status.RUNNING, True, 2)


@pytest.mark.parametrize("on_trial", [0, 1, None])
async def test_of_several_suspects_the_one_on_trial_is_to_blame(
    new_session: Callable[..., Session], writer: LogWriter, on_trial: int | None
) -> None:
    """The others have been good for long enough; without one nobody knows who it was."""
    columns = {"status": Status.RUNNING, "owner": "dead", "is_suspect": True, "deaths": 1}
    suspects = [await in_database(new_session, **columns) for _ in range(3)]
    accused = None if on_trial is None else suspects[on_trial].id
    await give_up(Session.objects.filter(owner="dead"), writer, accused)
    for session in suspects:
        await in_database(session.refresh_from_db)
        assert (session.owner, session.is_suspect) == ("", True)
    expected = [2 if number == on_trial else 1 for number in range(3)]
    assert [session.deaths for session in suspects] == expected


async def test_suspects_of_several_dead_runners_were_alone_each(
    new_session: Callable[..., Session], writer: LogWriter
) -> None:
    """As a server finds them at its start."""
    columns = {"status": Status.RUNNING, "is_suspect": True}
    suspects = [await in_database(new_session, owner=f"dead {number}", **columns) for number in range(2)]
    await give_up(Session.objects.owned(), writer)
    for session in suspects:
        await in_database(session.refresh_from_db)
        assert session.deaths == 1


async def test_last_death_ends_the_session(given_up: GiveUp) -> None:
    session = await given_up(status=Status.RUNNING, is_suspect=True, deaths=MAX_DEATHS - 1)
    assert (session.status, session.owner) == (Status.FAILED, "")
    assert exit_of(session)["error_cause"]["error_type"] == "RunnerDied"
    assert [event["block_type"] for event in await in_database(shown, session.id)] == ["exit"]


async def test_others_sessions_are_left_alone(given_up: GiveUp, new_session: Callable[..., Session]) -> None:
    other = await in_database(new_session, status=Status.RUNNING, owner="alive")
    await given_up(status=Status.RUNNING)
    await in_database(other.refresh_from_db)
    assert (other.owner, other.epoch) == ("alive", 0)


async def test_session_that_is_answered_meanwhile_is_looked_at_again(
    new_session: Callable[..., Session], writer: LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the write: what holds of a session that waits does not hold of it any more."""
    session = await in_database(new_session, status=Status.WAITING, owner="dead")
    carry_out = recovery.release

    def answer_first(seen: Session, **options: bool) -> Write:
        writer.submit(Write(session.id, {}, changes={"status": Status.RUNNING}))
        return carry_out(seen, **options)

    looks = iter([answer_first])
    monkeypatch.setattr(recovery, "release", lambda seen, **options: next(looks, carry_out)(seen, **options))
    await give_up(Session.objects.filter(owner="dead"), writer)
    await in_database(session.refresh_from_db)
    assert (session.status, session.owner, session.is_suspect) == (Status.RUNNING, "", True)


async def test_database_that_refuses_is_asked_again(
    given_up: GiveUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "RETRY_SECONDS", 0)
    execute, refusals = CursorWrapper.execute, [0]

    def refuse(cursor: CursorWrapper, sql: Any, params: Any = None) -> Any:
        if refusals[0] < 4 and ('"owner" = ' in str(sql) or "SET last_seq" in str(sql)):
            refusals[0] += 1
            raise OperationalError("disk I/O error")
        return execute(cursor, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", refuse)
    session = await given_up(status=Status.WAITING)
    assert (session.owner, refusals) == ("", [4])
