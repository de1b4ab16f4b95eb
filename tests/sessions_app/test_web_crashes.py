"""The web process dies at every boundary of a write: who got no reply sends the request again, by its key."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from sessions_app import lifecycle
from sessions_app.database import in_database
from sessions_app.idempotency import KeysInFlight
from sessions_app.models import Session, Status
from sessions_app.server import Server
from tests.sessions_app.crashing import CrashingWriter, Processes, announcing
from tests.sessions_app.messages import MessageDispatch
from tests.sessions_app.playing import ANYBODY, APP_ID, answers_of, exit_of
from tests.sessions_app.runners import SECONDS

Request = Callable[[], Coroutine[Any, Any, Any]]


@pytest.fixture
def dispatch() -> str:
    return "tests.sessions_app.messages.MessageDispatch"


@pytest.fixture
async def processes(
    server: Server, asking: None, loop: asyncio.AbstractEventLoop
) -> AsyncIterator[Processes]:
    """Those of the runner, which does not die."""
    processes = Processes(loop, server.writer, announcing(asyncio.get_running_loop()))
    yield processes
    await in_database(processes.end)


async def dies_during(server: Server, boundary: int, request: Request) -> bool:
    """Whether the web process died at this boundary of a request's write; another is there then.

    The request gets no reply, and what the process had to tell the runner is lost.
    """
    loop, died = asyncio.get_running_loop(), asyncio.Event()
    writer = CrashingWriter(announcing(loop), boundary, lambda: loop.call_soon_threadsafe(died.set))
    lasting, server.writer = server.writer, writer
    writer.start()
    tasks = [asyncio.create_task(request()), asyncio.create_task(died.wait())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    writer.bury()
    await asyncio.to_thread(writer.stop)
    server.writer, server.in_flight = lasting, KeysInFlight()
    assert isinstance(server.dispatch, MessageDispatch)
    server.dispatch.messages.clear()
    return writer.is_dead


async def test_session_whose_start_got_no_reply_is_started_once(server: Server, processes: Processes) -> None:
    for boundary in itertools.count():
        key = uuid4().hex
        start = partial(lifecycle.create_session, ANYBODY, APP_ID, idempotency_key=key)
        has_died = await dies_during(server, boundary, start)
        session = await asyncio.wait_for(start(), SECONDS)
        started = await in_database(list, Session.objects.filter(idempotency_key__endswith=key))
        assert [each.id for each in started] == [session.id]
        assert (await in_database(processes.rest, session.id)).status == Status.WAITING
        if not has_died:
            break
    assert boundary == 3  # before and after the commit, and after the reply


async def test_answer_that_got_no_reply_is_recorded_once(server: Server, processes: Processes) -> None:
    for boundary in itertools.count():
        session = await lifecycle.create_session(ANYBODY, APP_ID)
        await in_database(processes.rest, session.id)
        answered = partial(lifecycle.answer, ANYBODY, str(session.id), "input_request-1", "text", "Ada")
        request = partial(answered, idempotency_key=uuid4().hex)
        has_died = await dies_during(server, boundary, request)
        await asyncio.wait_for(request(), SECONDS)
        ended = await in_database(processes.rest, session.id)
        assert exit_of(ended)["return_value"] == "Ada"
        assert await in_database(answers_of, session.id) == {"input_request-1": "Ada"}
        if not has_died:
            break
    assert boundary == 4  # before and after the commit, after the hint and after the reply
