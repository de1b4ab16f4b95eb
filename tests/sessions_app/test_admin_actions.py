"""Cancelling, retrying and deleting in the admin: what lives is ended first, and its streams with it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import AsyncClient

import apps_app.dsl as yr
from sessions_app.admin import cancel_each
from sessions_app.models import LogEntry, Session, Status
from sessions_app.server import Server
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.operators import LIST, ended, new_viewer, page_of, signed_in
from tests.sessions_app.playing import APP_ID

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]


@pytest.fixture
def operator(transactional_db: None) -> User:
    return User.objects.create_superuser("root")


@pytest.fixture
def viewer(transactional_db: None) -> User:
    return new_viewer()


async def post_action(user: User, action: str, *session_ids: str) -> str:
    """What the list says after the action."""
    client = AsyncClient()
    await sync_to_async(client.force_login)(user)
    form = {"action": action, "index": "0", "_selected_action": list(session_ids), "post": "yes"}
    response = await client.post(LIST, form)
    assert response.status_code == 302
    return str((await client.get(LIST)).content.decode())


async def post_deletion(user: User, session_id: str) -> None:
    """Confirm it on the page that asks about the one session."""
    client = AsyncClient()
    await sync_to_async(client.force_login)(user)
    assert (await client.post(f"{LIST}{session_id}/delete/", {"post": "yes"})).status_code == 302


async def test_cancel_ends_what_lives(app: SetApp, client: AsgiClient, server: Server) -> None:
    @app
    def main() -> str:
        return yr.text_input("Who?")

    waiting, done = [await client.create(APP_ID) for _ in range(2)]
    for session in (waiting, done):
        await client.messages(session)
    await client.answer(done, "input_request-1", "me")
    await client.messages(done)
    operator = await sync_to_async(User.objects.create_superuser)("root")
    async with client.stream(waiting, "?follow=true") as stream:
        html = await post_action(operator, "cancel", waiting, done)
        messages = [message async for message in stream.messages()]
    assert "Cancelled: 1. Had ended already: 1." in html
    assert messages[-1].data["data"]["exit_code"] == 130
    statuses = await sync_to_async(lambda: {str(s.id): s.status for s in Session.objects.all()})()
    assert statuses == {waiting: Status.CANCELLED, done: Status.FINISHED}
    await sync_to_async(connections.close_all)()  # that of the thread which the admin ran in


@pytest.mark.parametrize("is_on_its_page", [True, False])
async def test_deletion_ends_what_lives_and_removes_all(
    app: SetApp, client: AsgiClient, server: Server, is_on_its_page: bool
) -> None:
    @app
    def main() -> str:
        return yr.text_input("Who?")

    waiting, kept = [await client.create(APP_ID) for _ in range(2)]
    await client.messages(waiting)
    operator = await sync_to_async(User.objects.create_superuser)("root")
    async with client.stream(waiting, "?follow=true") as stream:
        if is_on_its_page:
            await post_deletion(operator, waiting)
        else:
            await post_action(operator, "delete_selected", waiting)
        messages = [message async for message in stream.messages()]
    assert messages[-1].data["data"]["exit_code"] == 130
    ids = await sync_to_async(lambda: [str(session.id) for session in Session.objects.all()])()
    assert ids == [kept]
    assert not await sync_to_async(LogEntry.objects.filter(session=uuid.UUID(waiting)).exists)()
    await sync_to_async(connections.close_all)()  # that of the thread which the admin ran in


def test_cancel_is_not_for_who_may_only_look(new_session: NewSession, viewer: User) -> None:
    session = new_session(**ended())
    client = signed_in(viewer)
    client.post(LIST, {"action": "cancel", "index": "0", "_selected_action": str(session.id)})
    assert "Had ended already" not in client.get(LIST).content.decode()


async def test_session_that_ends_or_goes_in_the_meantime_is_not_counted(
    database: None, new_session: NewSession
) -> None:
    session = await sync_to_async(new_session)(**ended())
    session.status = Status.WAITING  # as the list had it
    assert await cancel_each([session, Session(app_id=APP_ID)]) == []
    await sync_to_async(connections.close_all)()


def test_cancel_is_offered_to_who_may(new_session: NewSession, operator: User, viewer: User) -> None:
    live, done = new_session(), new_session(**ended())
    for user, is_offered in ((operator, True), (viewer, False)):
        client = signed_in(user)
        assert ('value="cancel"' in client.get(LIST).content.decode()) == is_offered
        assert ("Cancel session" in client.get(page_of(live)).content.decode()) == is_offered
        assert "Cancel session" not in client.get(page_of(done)).content.decode()


async def test_retry_plays_what_has_diverged(
    asking: None, client: AsgiClient, new_session: NewSession
) -> None:
    diverged, done = await sync_to_async(
        lambda: (new_session(status=Status.DIVERGED, divergence={"seq": 1}), new_session(**ended()))
    )()
    operator = await sync_to_async(User.objects.create_superuser)("root")
    html = await post_action(operator, "retry", str(diverged.id), str(done.id))
    assert "Retried: 1. Had not diverged: 1." in html
    assert [message.data["block_id"] for message in await client.messages(str(diverged.id))] == [
        "input_request-1"
    ]
    assert (await sync_to_async(Session.objects.get)(id=done.id)).status == Status.FINISHED
    await sync_to_async(connections.close_all)()  # that of the thread which the admin ran in


def test_retry_is_offered_to_who_may(new_session: NewSession, operator: User, viewer: User) -> None:
    diverged, live = new_session(status=Status.DIVERGED, divergence={"seq": 1}), new_session()
    for user, is_offered in ((operator, True), (viewer, False)):
        client = signed_in(user)
        assert ('value="retry"' in client.get(LIST).content.decode()) == is_offered
        assert ("Retry session" in client.get(page_of(diverged)).content.decode()) == is_offered
        assert "Retry session" not in client.get(page_of(live)).content.decode()


def test_retry_is_not_for_who_may_only_look(new_session: NewSession, viewer: User) -> None:
    session = new_session(status=Status.DIVERGED, divergence={"seq": 1})
    client = signed_in(viewer)
    client.post(LIST, {"action": "retry", "index": "0", "_selected_action": str(session.id)})
    assert Session.objects.get(id=session.id).status == Status.DIVERGED


def test_user_with_sessions_is_not_deleted(new_session: NewSession, operator: User) -> None:
    ada = User.objects.create_user("ada")
    session = new_session(user=ada)
    client = signed_in(operator)
    page = f"/admin/auth/user/{ada.id}/delete/"
    assert "protected related objects" in client.get(page).text
    assert client.post(page, {"post": "yes"}).status_code == 200  # it says so once more
    assert Session.objects.get(user=ada) == session
