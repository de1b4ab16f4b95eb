"""What the hot requests ask of the database, and how many entries share a commit."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

import apps_app.dsl as yr
from sessions_app import event_log
from sessions_app.dispatch.inline import InlineDispatch
from sessions_app.frames import Entry
from sessions_app.models import Kind, Session, Status
from sessions_app.writes import NewEntry, Write
from tests.deadline import until
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.playing import APP_ID
from tests.sessions_app.publishing import Publisher
from tests.sessions_app.runners import Start

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")
PROMPT = {
    "block_id": "input_request-1",
    "block_type": "input_request",
    "data": {"type": "text", "message": ""},
}
FLOOD = 2000
LEAST_PER_COMMIT = 5


class NobodyPlays(InlineDispatch):
    """Leaves sessions to runners that are not there, so that all statements are the web process's."""

    def advance(self, session_id: UUID, app_id: str, entry_point: str) -> None:
        pass

    def wake(self, session_id: UUID, interaction: Entry) -> None:
        pass


@pytest.fixture
def dispatch() -> str:
    return f"{__name__}.{NobodyPlays.__name__}"


def verbs(queries: list[str]) -> list[str]:
    """What was done, in order, without what begins and ends transactions."""
    return [verb for verb in (sql.partition(" ")[0] for sql in queries) if verb in VERBS]


@pytest.fixture
def asked(new_session: Callable[..., Session]) -> Session:
    """A session that waits for a text, with two entries in its log."""
    session = new_session()
    entries = [NewEntry(Kind.EVENT, b'{"x":1}'), NewEntry(Kind.EVENT, b'{"x":2}', closes_turn=True)]
    event_log.apply(Write(session.id, {}, entries, {"status": Status.WAITING, "pending": [PROMPT]}))
    return session


async def test_start_reads_the_app_and_writes_the_session(
    asking: None, client: AsgiClient, queries: list[str]
) -> None:
    await client.create(APP_ID)
    assert verbs(queries) == ["SELECT", "INSERT"]


async def test_answer_reads_the_session_and_writes_it_with_the_entry(
    asked: Session, client: AsgiClient, queries: list[str]
) -> None:
    assert (await client.answer(str(asked.id), "input_request-1", "me")).status == 200
    assert verbs(queries) == ["SELECT", "UPDATE", "INSERT"]


@pytest.mark.parametrize("query", ["", "?follow=true", "?after=1"])
async def test_stream_reads_the_session_and_its_log(
    asked: Session, client: AsgiClient, queries: list[str], query: str
) -> None:
    async with client.stream(str(asked.id), query) as response:
        assert await anext(response.messages())
        assert verbs(queries) == ["SELECT"] * 2, "the session, its entries"


async def test_state_is_one_question(asked: Session, client: AsgiClient, queries: list[str]) -> None:
    assert (await client.get(f"/api/session/{asked.id}")).status == 200
    assert verbs(queries) == ["SELECT"]


def test_entries_of_a_flood_share_commits(start: Start, publisher: Publisher) -> None:
    def main() -> None:
        for number in range(FLOOD):
            yr.markdown(str(number))

    session = start(main)
    assert until(lambda: Session.objects.get(id=session.id).is_ended)
    assert Session.objects.get(id=session.id).last_seq == FLOOD + 1
    assert len(publisher.commits) <= FLOOD / LEAST_PER_COMMIT
