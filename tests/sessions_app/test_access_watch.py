"""Streams end soon after their viewer has lost the right to see what they watch, and no others do."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone
from rest_framework.authtoken.models import Token

from sessions_app import access_watch, lifecycle
from sessions_app.access_watch import end_unauthorised
from sessions_app.authentication import OPERATOR, Caller, Credential, Scheme
from sessions_app.conf import Access
from sessions_app.database import in_database
from sessions_app.models import Session, Status
from sessions_app.server import Server
from tests.client import Message
from tests.deadline import until
from tests.sessions_app.asgi_client import SECONDS, AsgiClient, Response
from tests.sessions_app.callers import Headers, by_cookie, by_token, new_token, new_user, sign_in

NewSession = Callable[..., Session]
CANCELLED = 130


@dataclass
class Setting:
    """Two users, the first with a token and a signed-in browser, and three sessions that wait."""

    ada: Any
    bob: Any
    token: str
    key: str
    bobs_key: str
    of_ada: Session
    of_bob: Session
    of_nobody: Session

    @property
    def viewings(self) -> dict[str, tuple[Headers, Session]]:
        """Who watches which session."""
        return {
            "ada by token": (by_token(self.token), self.of_ada),
            "ada by cookie": (by_cookie(self.key, with_csrf_token=False), self.of_ada),
            "ada, nobody's": (by_token(self.token), self.of_nobody),
            "bob": (by_cookie(self.bobs_key, with_csrf_token=False), self.of_bob),
            "nobody": ({}, self.of_nobody),
        }


@pytest.fixture
async def setting(database: None, new_session: NewSession) -> Setting:
    def make() -> Setting:
        ada, bob = new_user("ada"), new_user("bob")
        asked = [{"block_id": "input_request-1", "block_type": "input_request"}]
        waiting = {"status": Status.WAITING, "pending": asked}
        return Setting(
            ada,
            bob,
            new_token(ada),
            sign_in(ada),
            sign_in(bob),
            new_session(user=ada, **waiting),
            new_session(user=bob, **waiting),
            new_session(**waiting),
        )

    return await in_database(make)


# The server.


def sign_out(setting: Setting) -> None:
    BrowserSession.objects.filter(session_key=setting.key).delete()


def let_sign_in_expire(setting: Setting) -> None:
    past = timezone.now() - datetime.timedelta(seconds=1)
    BrowserSession.objects.filter(session_key=setting.key).update(expire_date=past)


def change_password(setting: Setting) -> None:
    setting.ada.set_password("another long secret")
    setting.ada.save()


def deactivate_user(setting: Setting) -> None:
    setting.ada.is_active = False
    setting.ada.save()


def delete_user(setting: Setting) -> None:
    setting.ada.delete()


def delete_token(setting: Setting) -> None:
    Token.objects.filter(key=setting.token).delete()


def give_token_away(setting: Setting) -> None:
    Token.objects.filter(key=setting.token).update(user=setting.bob)


def delete_session(setting: Setting) -> None:
    Session.objects.filter(id=setting.of_ada.id).delete()


def give_session_away(setting: Setting) -> None:
    Session.objects.filter(id=setting.of_ada.id).update(user=setting.bob)


def give_anonymous_session_to_ada(setting: Setting) -> None:
    Session.objects.filter(id=setting.of_nobody.id).update(user=setting.ada)


def change_nothing(setting: Setting) -> None: ...


BY_COOKIE, BY_TOKEN = "ada by cookie", "ada by token"


@pytest.fixture
async def streams(
    server: Server, setting: Setting, settings: Any, follow: bool
) -> AsyncIterator[dict[str, asyncio.Task[list[Message]]]]:
    """What each stream of the setting has given when it ends."""
    settings.YERA_ACCESS_CHECK_SECONDS = 0.05
    query = "?follow=true" if follow else ""
    async with AsyncExitStack() as opened:
        reading = {}
        for name, (headers, session) in setting.viewings.items():
            stream = AsgiClient(headers).stream(str(session.id), query)
            response = await opened.enter_async_context(stream)
            assert response.status == 200
            reading[name] = asyncio.create_task(read(response))
        yield reading
        for task in reading.values():  # where the test has failed, they may not end by themselves
            task.cancel()


async def read(response: Response) -> list[Message]:
    return [message async for message in response.messages()]


@pytest.mark.parametrize("follow", [False, True], ids=["turn", "follow"])
@pytest.mark.parametrize(
    ("change", "ended"),
    [
        (sign_out, {BY_COOKIE}),
        (let_sign_in_expire, {BY_COOKIE}),
        (change_password, {BY_COOKIE}),
        (deactivate_user, {BY_COOKIE, BY_TOKEN}),
        (delete_user, {BY_COOKIE, BY_TOKEN}),
        (delete_token, {BY_TOKEN}),
        (give_token_away, {BY_TOKEN}),
        (delete_session, {BY_COOKIE, BY_TOKEN}),
        (give_session_away, {BY_COOKIE, BY_TOKEN}),
        (give_anonymous_session_to_ada, {"nobody"}),
        (change_nothing, set()),
    ],
)
async def test_stream_ends_with_its_viewers_right(
    setting: Setting,
    streams: dict[str, asyncio.Task[list[Message]]],
    queries: list[str],
    change: Callable[[Setting], None],
    ended: set[str],
) -> None:
    await in_database(change, setting)
    if ended:
        await asyncio.wait([streams[name] for name in ended], timeout=SECONDS)
    else:
        queries.clear()
        assert await asyncio.to_thread(until, lambda: len(checks(queries)) > 3)
    assert {name for name, stream in streams.items() if stream.done()} == ended
    for session in await in_database(list, Session.objects.all()):
        await lifecycle.cancel(OPERATOR, str(session.id))
    stories = {name: await stream for name, stream in streams.items()}
    assert {name for name, story in stories.items() if not has_exit(story)} == ended


def checks(statements: list[str]) -> list[str]:
    """The look-ups of what is watched."""
    return [sql for sql in statements if 'SELECT "sessions_app_session"."id"' in sql and "user_id" in sql]


def has_exit(story: list[Message]) -> bool:
    return any(message.event == "message" and message.data["block_type"] == "exit" for message in story)


async def test_stream_that_ended_is_not_to_be_opened_again(server: Server, setting: Setting) -> None:
    await in_database(sign_out, setting)
    headers, session = setting.viewings[BY_COOKIE]
    response = await AsgiClient(headers).get(f"/api/session/{session.id}/stream")
    assert await response.refusal() == (404, "session_not_found")


# What it asks of the database.


class Viewing:
    """A stream that only notes its end."""

    def __init__(self, session_id: uuid.UUID, viewer: Caller) -> None:
        self.session_id = session_id
        self.viewer = viewer
        self.is_revoked = False

    def revoke(self) -> None:
        self.is_revoked = True


async def test_anonymous_viewers_cost_no_query_each(
    setting: Setting, new_session: NewSession, queries: list[str]
) -> None:
    sessions = [await in_database(new_session) for _ in range(5)]
    viewings = [Viewing(session.id, Caller(visitor=uuid.uuid4())) for session in sessions for _ in range(9)]
    queries.clear()
    await end_unauthorised(viewings)
    assert len(queries) == 1
    assert not any(viewing.is_revoked for viewing in viewings)


async def test_each_viewer_is_looked_up_once(setting: Setting, queries: list[str]) -> None:
    ada = Caller(setting.ada.id, credential=Credential(Scheme.TOKEN, setting.token))
    viewings = [Viewing(session.id, ada) for session in (setting.of_ada, setting.of_nobody) for _ in range(9)]
    queries.clear()
    await end_unauthorised(viewings)
    assert len(queries) == 2, "one for the sessions, one for the token"
    assert not any(viewing.is_revoked for viewing in viewings)


async def test_nothing_watched_costs_nothing(database: None, queries: list[str]) -> None:
    await end_unauthorised([])
    assert queries == []


async def test_many_sessions_are_looked_up_in_pieces(
    setting: Setting, new_session: NewSession, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_watch, "SESSIONS_A_QUERY", 2)
    ids = [(await in_database(new_session)).id for _ in range(4)]
    viewings = [Viewing(session_id, Caller()) for session_id in [*ids, setting.of_ada.id]]
    queries.clear()
    await end_unauthorised(viewings)
    assert [statement.count("%s") for statement in queries] == [2, 2, 1]
    assert [viewing.is_revoked for viewing in viewings] == [False] * 4 + [True]


async def test_closed_server_ends_what_anonymous_viewers_watch(setting: Setting, settings: Any) -> None:
    viewing = Viewing(setting.of_nobody.id, Caller())
    settings.YERA_ACCESS = Access.LOGIN
    await end_unauthorised([viewing])
    assert viewing.is_revoked


async def test_operator_may_watch_all(setting: Setting, settings: Any) -> None:
    settings.YERA_ACCESS = Access.LOGIN
    viewings = [Viewing(session.id, OPERATOR) for session in (setting.of_ada, setting.of_nobody)]
    await end_unauthorised(viewings)
    assert not any(viewing.is_revoked for viewing in viewings)
