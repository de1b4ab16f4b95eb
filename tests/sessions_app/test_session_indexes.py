"""Each list of sessions is read from an index, in its order, however many others there are."""

from __future__ import annotations

import datetime
import uuid

import pytest
from django.db import connection

from sessions_app.models import ENDED, Session, SessionQuerySet, Status

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by how many rows there are"),
]

AFTER = (datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), uuid.UUID(int=1))
APP = "some.app"
EVERYBODYS = Session.objects
USERS = Session.objects.of_user(1)
VISITORS = Session.objects.of_visitor(uuid.UUID(int=1))


def plan(sessions: SessionQuerySet, after: tuple[datetime.datetime, uuid.UUID] | None = None) -> list[str]:
    return sessions.newest_first(after)[:50].explain().splitlines()


@pytest.mark.parametrize("after", [None, AFTER])
@pytest.mark.parametrize(
    ("sessions", "index"),
    [
        (EVERYBODYS.all(), "session_newest"),
        (EVERYBODYS.filter(app=APP), "session_of_app"),
        *((EVERYBODYS.of_status(status), "session_ended") for status in ENDED),
        *((EVERYBODYS.of_status(status).filter(app=APP), "session_ended_of_app") for status in ENDED),
        (EVERYBODYS.of_status(Status.WAITING), "session_live"),
        (EVERYBODYS.of_status(Status.WAITING).filter(app=APP), "session_live_of_app"),
        (EVERYBODYS.of_status(Status.RUNNING).filter(app=APP), "session_busy"),
        *(
            (sessions, index)
            for own, index in ((USERS, "session_of_user"), (VISITORS, "session_of_visitor"))
            for picked in (own, own.picking_app(APP))
            for sessions in (
                picked,
                picked.filter(status=Status.FINISHED),
                picked.filter(status=Status.RUNNING),
            )
        ),
    ],
)
def test_list_is_read_in_the_order_of_its_index(
    sessions: SessionQuerySet, index: str, after: tuple[datetime.datetime, uuid.UUID] | None
) -> None:
    (line,) = plan(sessions, after)
    assert f"USING INDEX {index}" in line


@pytest.mark.parametrize("status", [Status.CREATED, Status.RUNNING, Status.DIVERGED])
def test_the_few_busy_ones_are_sorted(status: Status) -> None:
    found, sorting = plan(EVERYBODYS.of_status(status))
    assert "SEARCH sessions_app_session USING INDEX session_busy (status=?)" in found
    assert "ORDER BY" in sorting


def test_forks_of_a_session_are_found_by_their_index() -> None:
    forks = EVERYBODYS.filter(forked_from=uuid.UUID(int=1)).order_by()
    assert "USING INDEX session_forks" in forks.explain()
