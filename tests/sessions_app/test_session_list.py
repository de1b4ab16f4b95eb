"""The list of a caller's sessions: its order, its pages, its filters."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from apps_app.models import App
from sessions_app.authentication import VISITOR_COOKIE
from sessions_app.database import in_database
from sessions_app.models import Session, Status
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.playing import APP_ID

AddSession = Callable[..., Session]

VISITOR = uuid.UUID(int=1)
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture
def browser(server: Server) -> AsgiClient:
    """That of the visitor to whom the sessions belong."""
    return AsgiClient({"Cookie": f"{VISITOR_COOKIE}={VISITOR}"})


@pytest.fixture
def add(new_session: AddSession) -> AddSession:
    """Inserts a session of the visitor's, created so many seconds after START."""

    def add(seconds: float, **columns: Any) -> Session:
        session = new_session(visitor=VISITOR, **columns)
        session.created_at = START + datetime.timedelta(seconds=seconds)
        session.save(update_fields=["created_at"])
        return session

    return add


async def page(browser: AsgiClient, **query: Any) -> tuple[list[str], str | None]:
    """The ids on one page, and the cursor of the next."""
    response = await browser.get(f"/api/session?{urlencode(query)}")
    body = await response.json()
    assert response.status == 200, body
    assert body.keys() == {"sessions", "next"}
    return [session["session_id"] for session in body["sessions"]], body["next"]


async def pages(browser: AsgiClient, **query: Any) -> list[list[str]]:
    """The ids on each page, from the first to the last."""
    ids, following = await page(browser, **query)
    result = [ids]
    while following is not None:
        ids, following = await page(browser, **query, cursor=following)
        result.append(ids)
    return result


def newest_first(sessions: list[Session]) -> list[str]:
    ordered = sorted(sessions, key=lambda session: (session.created_at, session.id), reverse=True)
    return [str(session.id) for session in ordered]


async def test_entry_tells_how_a_session_stands(add: AddSession, browser: AsgiClient) -> None:
    session = await in_database(add, 0, status=Status.WAITING, title="Mine")
    body = await (await browser.get("/api/session")).json()
    (entry,) = body["sessions"]
    assert datetime.datetime.fromisoformat(entry.pop("created_at")) == START
    assert datetime.datetime.fromisoformat(entry.pop("updated_at")) >= START
    assert entry == {
        "session_id": str(session.id),
        "app_id": APP_ID,
        "status": "waiting",
        "pending": [],
        "last_seq": 0,
        "finished_at": None,
        "forked_from": None,
        "title": "Mine",
    }


async def test_nobody_has_no_sessions(add: AddSession, browser: AsgiClient) -> None:
    await in_database(add, 0)
    assert await page(AsgiClient()) == ([], None)
    assert await page(AsgiClient({"Cookie": f"{VISITOR_COOKIE}={uuid.uuid4()}"})) == ([], None)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 200])
async def test_pages_hold_each_session_once_newest_first(
    add: AddSession, browser: AsgiClient, limit: int
) -> None:
    """Also where several were created at the same moment."""
    sessions = [await in_database(add, seconds) for seconds in (3, 1, 2, 1, 1, 0.000001, 0)]
    found = await pages(browser, limit=limit)
    assert [session_id for ids in found for session_id in ids] == newest_first(sessions)
    assert [len(ids) for ids in found[:-1]] == [limit] * (len(found) - 1)
    assert 1 <= len(found[-1]) <= limit, "no page is empty but that of an empty list"


async def test_page_has_fifty_unless_asked_otherwise(add: AddSession, browser: AsgiClient) -> None:
    for seconds in range(51):
        await in_database(add, seconds)
    assert [len(ids) for ids in await pages(browser)] == [50, 1]


async def test_sessions_that_come_or_go_do_not_shift_the_pages(add: AddSession, browser: AsgiClient) -> None:
    sessions = [await in_database(add, seconds) for seconds in range(6)]
    first, following = await page(browser, limit=3)
    await in_database(add, 10)
    await in_database(Session.objects.filter(id=first[-1]).delete)  # the one that the cursor names
    await in_database(add, 3, status=Status.WAITING)  # and one in its place, of which it says nothing
    second, _ = await page(browser, limit=10, cursor=following)
    assert [session_id for session_id in second if session_id in map(str, [s.id for s in sessions])] == (
        newest_first(sessions[:3])
    )
    assert not set(first) & set(second)


async def test_filters(add: AddSession, browser: AsgiClient) -> None:
    await in_database(App.objects.create, id="other", name="Other", entry_point="other:main")
    waiting = [await in_database(add, seconds, status=Status.WAITING) for seconds in (0, 2)]
    running = await in_database(add, 1, status=Status.RUNNING)
    other = await in_database(add, 3, status=Status.WAITING)
    await in_database(Session.objects.filter(id=other.id).update, app_id="other")
    assert await pages(browser, status="waiting", app_id=APP_ID) == [newest_first(waiting)]
    assert await pages(browser, status="running") == [[str(running.id)]]
    assert await pages(browser, app_id="other") == [[str(other.id)]]
    assert await pages(browser, app_id="no.such.app") == [[]]
    in_pages = await pages(browser, status="waiting", limit=1)
    assert in_pages == [[session_id] for session_id in [str(other.id), *newest_first(waiting)]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("status=asleep", "status"),
        ("app_id=%00", "app_id"),
        ("cursor=none", "cursor"),
    ],
)
async def test_query_that_is_refused(browser: AsgiClient, query: str, field: str) -> None:
    response = await browser.get(f"/api/session?{query}")
    body = await response.json()
    assert (response.status, body["code"], list(body["errors"])) == (400, "invalid", [field])


async def test_large_columns_are_not_read(add: AddSession, browser: AsgiClient, queries: list[str]) -> None:
    for seconds in range(3):
        await in_database(add, seconds)
    queries.clear()
    await page(browser)
    (statement,) = queries
    assert '"failure"' not in statement
    assert '"exit"' not in statement
