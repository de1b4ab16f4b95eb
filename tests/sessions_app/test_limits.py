"""Time limits: whose they are, when they end, and what ends a session that is beyond one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps_app.models import App
from sessions_app import limits
from sessions_app.frames import Entry
from sessions_app.limits import KnownLimits, Limits, expirations
from sessions_app.log_writer import LogWriter
from sessions_app.models import LIVE, Session, Status
from sessions_app.run import Run
from sessions_app.runner import Runner
from sessions_app.writes import FencedError, Position, Write
from tests.sessions_app.playing import APP_ID, exit_of, shown
from tests.sessions_app.runners import SECONDS, record_answer, status_of
from tests.sessions_app.runs import TEXT, NewRun, prompt, row

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]

PAST = datetime.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=datetime.UTC)
FUTURE = datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)
ASKED: dict[str, Any] = {"status": Status.WAITING, "pending": [TEXT.model_dump(exclude_none=True)]}


@pytest.fixture
def server_limits(settings: Any) -> None:
    settings.YERA_MAX_RUN_SECONDS = 10
    settings.YERA_MAX_WAIT_SECONDS = 20
    settings.YERA_MAX_LIFE_SECONDS = 0


# Whose they are.


def test_limit_is_the_apps_or_else_the_servers(server_limits: None) -> None:
    assert Limits.of(App()) == (10, 20, 0)
    assert Limits.of(App(max_run_seconds=1, max_wait_seconds=0)) == (1, 0, 0)
    assert Limits.of(App(max_life_seconds=3)) == (10, 20, 3)


def test_limits_are_those_of_the_latest_look(server_limits: None, app_row: App, queries: list[str]) -> None:
    known = KnownLimits()
    assert (known.of(APP_ID), known.of("unknown")) == ((10, 20, 0), (10, 20, 0))
    App.objects.update(max_wait_seconds=5)
    known.know()
    queries.clear()
    known.know()
    assert (known.of(APP_ID), known.of("unknown")) == ((10, 5, 0), (10, 20, 0))
    assert queries == []
    App.objects.update(max_wait_seconds=6)
    known.look_up()
    assert known.of(APP_ID) == (10, 6, 0)
    assert len(queries) == 2, "the update and one look"


# When they end.


def test_end_is_as_far_from_now_as_the_limit() -> None:
    before = timezone.now()
    of_app = Limits(1, 60, 3600)
    wait_ends_at, life_ends_at = of_app.wait_ends_at, of_app.life_ends_at
    assert wait_ends_at is not None
    assert life_ends_at is not None
    after = timezone.now()
    assert before <= wait_ends_at - datetime.timedelta(seconds=60) <= after
    assert before <= life_ends_at - datetime.timedelta(hours=1) <= after


@pytest.mark.parametrize("seconds", [0, 0.0, 1e12, 2**63, 1e300])
def test_what_has_no_limit_has_no_end(seconds: float) -> None:
    of_app = Limits(seconds, seconds, seconds)
    assert (of_app.wait_ends_at, of_app.life_ends_at) == (None, None)
    assert of_app.run_problem(1e9) == ""


def test_run_is_too_long_beyond_its_limit() -> None:
    assert Limits(60, 0, 0).run_problem(60) == ""
    assert Limits(60, 0, 0).run_problem(60.1) == "The app ran for longer than 60 s without a wait."


# A run's waits.


def test_each_question_has_its_deadline_and_a_sleep_has_none(
    server_limits: None, new_run: NewRun, flush_of: Callable[[Run], Position]
) -> None:
    run = new_run()
    begun = timezone.now()
    run.ask([TEXT], prompt())
    flush_of(run)
    wait_ends_at = row(run).wait_ends_at
    assert wait_ends_at is not None
    assert wait_ends_at >= begun + datetime.timedelta(seconds=20)
    run.deliver([Entry(2, "interaction", False, b'{"blockId":"input_request-1","value":"a"}')])
    run.sleep(9999)
    flush_of(run)
    assert (row(run).status, row(run).wait_ends_at) == (Status.WAITING, None)
    assert row(run).wake_at is not None


@pytest.fixture
def flush_of(writer: LogWriter) -> Callable[[Run], Position]:
    return lambda run: writer.submit(Write(run.session_id, {})).result(SECONDS)


# What ends sessions that are overdue.


def expire(writer: LogWriter) -> None:
    for write in expirations():
        writer.submit(write).result(SECONDS)


def test_overdue_wait_expires(writer: LogWriter, new_session: NewSession) -> None:
    session = new_session(**ASKED, wait_ends_at=PAST, owner="runner", epoch=3)
    expire(writer)
    assert status_of(session) == Status.EXPIRED
    assert (session.owner, session.pending, session.epoch) == ("", [], 4)
    assert [event["data"] for event in shown(session.id)] == [exit_of(session)]
    assert exit_of(session) == {
        "exit_code": 124,
        "reason": "The session waited for an answer until 2026-01-02 03:04:05 UTC, its limit.",
        "return_type": "NoneType",
        "return_value": "None",
    }
    assert list(expirations()) == []


@pytest.mark.parametrize("status", LIVE)
def test_overdue_life_expires_wherever_it_is(
    writer: LogWriter, new_session: NewSession, status: Status
) -> None:
    session = new_session(status=status, life_ends_at=PAST)
    expire(writer)
    assert status_of(session) == Status.EXPIRED
    assert exit_of(session)["reason"] == "The session lasted until 2026-01-02 03:04:05 UTC, its limit."


def test_sleep_does_not_keep_a_session_beyond_its_life(writer: LogWriter, new_session: NewSession) -> None:
    session = new_session(status=Status.WAITING, wake_at=FUTURE, life_ends_at=PAST)
    expire(writer)
    assert (status_of(session), session.wake_at) == (Status.EXPIRED, None)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {**ASKED},
        {**ASKED, "wait_ends_at": FUTURE, "life_ends_at": FUTURE},
        {"status": Status.RUNNING, "wait_ends_at": PAST},
        {"status": Status.DIVERGED, "wait_ends_at": PAST},
        {"status": Status.FINISHED, "exit": {}, "finished_at": PAST, "life_ends_at": PAST},
    ],
)
def test_what_is_not_overdue_is_left_alone(new_session: NewSession, columns: dict[str, Any]) -> None:
    new_session(**columns)
    assert list(expirations()) == []


def test_session_that_is_overdue_twice_has_one_exit(writer: LogWriter, new_session: NewSession) -> None:
    session = new_session(**ASKED, wait_ends_at=PAST, life_ends_at=PAST)
    first, second = expirations()
    writer.submit(first).result(SECONDS)
    assert isinstance(writer.submit(second).exception(SECONDS), FencedError)
    assert len(shown(session.id)) == 1


def test_some_at_a_time_the_longest_overdue_first(
    new_session: NewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "EXPIRED_PER_SWEEP", 2)
    hours = [datetime.timedelta(hours=hour) for hour in (3, 1, 2)]
    waits = [new_session(**ASKED, wait_ends_at=PAST + hour).id for hour in hours]
    lives = [new_session(life_ends_at=PAST + hour).id for hour in hours]
    assert [write.session_id for write in expirations()] == [waits[1], waits[2], lives[1], lives[2]]


# An answer in the last moment.


@pytest.fixture
def asked(new_session: NewSession) -> Session:
    return new_session(**ASKED, wait_ends_at=PAST)


def test_answer_that_comes_before_the_end_wins(writer: LogWriter, asked: Session) -> None:
    (too_late,) = expirations()
    record_answer(writer, asked, "input_request-1", "Ada")
    assert isinstance(writer.submit(too_late).exception(SECONDS), FencedError)
    assert status_of(asked) == Status.RUNNING
    assert shown(asked.id) == []


def test_end_is_not_that_of_the_question_after_it(writer: LogWriter, asked: Session) -> None:
    (too_late,) = expirations()
    record_answer(writer, asked, "input_request-1", "Ada")
    writer.submit(Write(asked.id, {}, changes={**ASKED, "wait_ends_at": FUTURE})).result(SECONDS)
    assert isinstance(writer.submit(too_late).exception(SECONDS), FencedError)
    assert status_of(asked) == Status.WAITING


def test_answer_that_comes_after_the_end_loses(writer: LogWriter, asked: Session) -> None:
    (in_time,) = expirations()
    writer.submit(in_time).result(SECONDS)
    with pytest.raises(FencedError):
        record_answer(writer, asked, "input_request-1", "Ada")
    assert [event["block_type"] for event in shown(asked.id)] == ["exit"]


# Lives end from the start on.


def test_answer_does_not_lengthen_a_life(writer: LogWriter, new_session: NewSession) -> None:
    session = new_session(**ASKED, life_ends_at=PAST)
    (write,) = expirations()
    record_answer(writer, session, "input_request-1", "Ada")
    writer.submit(write).result(SECONDS)
    assert status_of(session) == Status.EXPIRED


def test_runner_answers_from_what_it_knows(
    server_limits: None, writer: LogWriter, loop: Any, app_row: App, queries: list[str]
) -> None:
    App.objects.update(max_wait_seconds=0)
    runner = Runner("me", writer, loop)
    runner.sweep()
    queries.clear()
    assert runner.wait_ends_at(APP_ID) is None
    assert runner.wait_ends_at("another") is not None
    assert queries == []
