"""The app, the rows, the writer and the server that the tests of sessions play with.

All of it is real but the process that runs the apps, whose part a runner in this one plays.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.db import connection
from django.db.backends.utils import CursorWrapper

import apps_app.dsl as yr
from apps_app import discovery
from apps_app.dsl.app import App as AuthorApp
from apps_app.models import App
from sessions_app import event_log, lifecycle
from sessions_app import server as server_module
from sessions_app.app_tasks import guarded_task
from sessions_app.authentication import OPERATOR
from sessions_app.claim import Claim
from sessions_app.conf import conf
from sessions_app.database import briefly_in_database, in_database
from sessions_app.exits import cancellation
from sessions_app.log_writer import LogWriter
from sessions_app.models import LIVE, Session, Status
from sessions_app.printing import Printer
from sessions_app.run import Run
from sessions_app.runner import Runner
from sessions_app.server import Server
from sessions_app.write_queue import WriteQueue
from sessions_app.writes import Hint, Position, Write
from tests.deadline import until
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.loops import running_loop
from tests.sessions_app.playing import APP_ID, APP_MODULE, ENTRY_POINT
from tests.sessions_app.publishing import Publisher
from tests.sessions_app.queueing import Outcomes
from tests.sessions_app.runners import Start, is_running, running
from tests.sessions_app.runs import SECONDS, NewRun
from tests.sessions_app.stage import Stage

SetApp = Callable[[Callable[..., Any]], Callable[..., Any]]
NewStage = Callable[[Callable[..., Any]], Stage]


@pytest.fixture
def app_row(transactional_db: None) -> App:
    """The catalogue row of the one app there is."""
    return App.objects.create(id=APP_ID, name="main", path=["one", "app"], entry_point=ENTRY_POINT)


@pytest.fixture
def app(app_row: App, monkeypatch: pytest.MonkeyPatch) -> SetApp:
    """Decorates a test's own function, sync or async, to be the one app."""
    module = ModuleType(APP_MODULE)
    module.__file__ = None
    monkeypatch.setitem(sys.modules, APP_MODULE, module)
    monkeypatch.setattr(sys, "path", [*sys.path])
    discovery.install_author_api()

    def set_app(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__module__, function.__name__ = APP_MODULE, "main"
        module.main = AuthorApp(function, model=False)  # type: ignore[attr-defined]
        return function

    return set_app


@pytest.fixture
def new_session(app_row: App) -> Callable[..., Session]:
    """Inserts a session's row, by default as one that was just created."""

    def insert(**columns: Any) -> Session:
        session = Session(app_id=APP_ID, **columns)
        event_log.create(session)
        return session

    return insert


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.fixture
def hints(publisher: Publisher) -> list[Hint]:
    """What `writer` has published so far."""
    return publisher.hints


@pytest.fixture
def writer(transactional_db: None, publisher: Publisher) -> Iterator[LogWriter]:
    writer = LogWriter(publisher)
    writer.start()
    yield writer
    writer.stop()


@pytest.fixture
def holder(new_session: Callable[..., Session]) -> Session:
    """A session that only keeps the writer busy."""
    return new_session()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own, as a runner process has it for its async apps."""
    with running_loop() as loop:
        yield loop


@pytest.fixture
def new_run(
    writer: LogWriter, new_session: Callable[..., Session], loop: asyncio.AbstractEventLoop
) -> NewRun:
    """Claims a new session; the run's app is this very thread."""

    def claim(**columns: Any) -> Run:
        session = new_session(**columns)
        taken = Write(session.id, {}, changes={"status": Status.RUNNING, "owner": "me"}, raise_epoch=True)
        claim = Claim(session.id, APP_ID, "", writer.submit(taken).result(SECONDS))
        run = Run(claim, writer, Printer(writer).prints_of(session.id), Runner("me", writer, loop))
        run.thread = threading.current_thread()
        return run

    return claim


@pytest.fixture
def run(new_run: NewRun) -> Run:
    return new_run()


@pytest.fixture
def flush(writer: LogWriter, run: Run) -> Callable[[], Position]:
    """Waits until all that the run has written is committed."""
    return lambda: writer.submit(Write(run.session_id, {})).result(SECONDS)


@pytest.fixture
def runner(writer: LogWriter, loop: asyncio.AbstractEventLoop, settings: Any) -> Iterator[Runner]:
    settings.YERA_STOP_GRACE_SECONDS = 0
    runner = Runner("me", writer, loop)
    yield runner
    for session in Session.objects.filter(status__in=LIVE):
        writer.submit(cancellation(session.id, session.app_id)).result(SECONDS)
        runner.halt(session.id)
    assert until(lambda: not is_running(runner))


@pytest.fixture
def start(runner: Runner, app: SetApp, new_session: Callable[..., Session]) -> Start:
    """Starts a session of this function."""

    def start(function: Callable[..., Any]) -> Session:
        app(function)
        session = new_session()
        runner.advance(session.id, APP_ID, ENTRY_POINT)
        return session

    return start


@pytest.fixture
def new_stage(
    app: SetApp, new_session: Callable[..., Session], writer: LogWriter, loop: asyncio.AbstractEventLoop
) -> Iterator[NewStage]:
    stages: list[Stage] = []

    def make(function: Callable[..., Any]) -> Stage:
        app(function)
        stages.append(Stage(new_session(), writer, loop))
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()


@pytest.fixture
def give_up(runner: Runner) -> Iterator[threading.Event]:
    """Set when the test is over: an app that nobody could interrupt does not outlive it."""
    give_up = threading.Event()
    yield give_up
    give_up.set()


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def queue() -> Iterator[WriteQueue]:
    queue = WriteQueue()
    yield queue
    queue.close()


@pytest.fixture
def channel_layer(settings: Any) -> Any:
    """A channel layer that nobody has used before."""
    settings.CHANNEL_LAYERS = {**settings.CHANNEL_LAYERS}
    return get_channel_layer()


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that the database is given from now on, in whatever thread."""
    statements: list[str] = []
    execute = CursorWrapper.execute

    def record(cursor: CursorWrapper, sql: Any, params: Any = None) -> Any:
        statements.append(str(sql))
        return execute(cursor, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", record)
    return statements


@pytest.fixture
async def database(transactional_db: None, channel_layer: Any) -> AsyncIterator[None]:
    """`in_database` may be used; its threads' connections are closed afterwards."""
    yield
    threads = conf.database_threads
    together = threading.Barrier(threads)

    def close() -> None:
        together.wait()
        connection.close()

    await asyncio.gather(*[in_database(close) for _ in range(threads)])
    await briefly_in_database(lambda: connection.close())


@pytest.fixture
def dispatch() -> str:
    """Who plays the sessions of `server`: a runner in this process."""
    return "sessions_app.dispatch.inline.InlineDispatch"


@pytest.fixture
async def server(database: None, app: SetApp, settings: Any, dispatch: str) -> AsyncIterator[Server]:
    """The started server of this process."""
    settings.YERA_DISPATCH = dispatch
    settings.YERA_POLL_SECONDS = 0  # hints must do
    asyncio.get_running_loop().set_task_factory(guarded_task)
    server_module.server.cache_clear()
    server = server_module.server()
    await server.start()
    yield server
    await end_all_sessions()
    await server.stop()
    server_module.server.cache_clear()


@pytest.fixture
def client(server: Server) -> AsgiClient:
    return AsgiClient()


@pytest.fixture
def asking(app: SetApp) -> None:
    """The app asks for a text and returns it."""

    @app
    def main() -> str:
        return yr.text_input("Who?")


@pytest.fixture
async def waiting(asking: None, client: AsgiClient) -> str:
    """A session that waits for its text."""
    session = await client.create(APP_ID)
    await client.messages(session)
    return session


async def end_all_sessions() -> None:
    """Cancel what still lives, and wait until no run is left."""
    live = Session.objects.filter(status__in=LIVE).values_list("id", flat=True)
    for session_id in await in_database(list, live):
        await lifecycle.cancel(OPERATOR, str(session_id))
    loop = asyncio.get_running_loop()
    assert await in_database(until, lambda: not running(loop)), running(loop)
