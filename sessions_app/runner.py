"""The runner: takes up sessions, plays their apps, delivers answers, stops what is over.

Sync apps run in a thread each, async ones in one event loop. Callers may be any thread.
"""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import logging
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from apps_app import discovery
from apps_app.discovery import AppLoadError
from apps_app.dsl.app import App, aplay, play
from apps_app.dsl.runtime import SessionOver, Stopped
from sessions_app import event_log
from sessions_app.app_tasks import RunTasks, tasks_of_run
from sessions_app.conf import conf
from sessions_app.exits import abandonment, failed_exit
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.models import Session, Status
from sessions_app.printing import Printer
from sessions_app.run import Claim, Run
from sessions_app.writes import FencedError, Position, Write

log = logging.getLogger(__name__)


class Runner:
    """Plays sessions in this process. `loop` runs the async apps; `name` is the owner in the rows."""

    def __init__(self, name: str, writer: LogWriter, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self._writer = writer
        self._loop = loop
        self._runs: dict[UUID, Run] = {}
        self._stopped: dict[Run, float] = {}  # and the time when they were
        self._strays: set[UUID] = set()
        self._unowned: set[UUID] = set()  # at the last sweep
        self._printer = Printer(writer)

    # What the dispatch tells of.

    def advance(self, session_id: UUID, app_id: str, entry_point: str) -> None:
        """Claim a session, unless somebody has taken it up, and play it."""
        write = Write(
            session_id,
            where={"status": Status.CREATED, "owner": ""},
            changes={"status": Status.RUNNING, "owner": self.name},
            raise_epoch=True,
        )
        self._writer.put(write, partial(self._claimed, session_id, app_id, entry_point))

    def wake(self, session_id: UUID, interaction: Entry | None = None) -> None:
        """Deliver what was answered: this interaction if it is the next, else what the log has."""
        run = self._runs.get(session_id)
        if run is None or not run.is_waiting:
            return
        try:
            if interaction is not None and run.is_next(interaction):
                run.deliver([interaction])
            else:
                run.deliver(event_log.read_interactions(session_id, run.read_seq))
        except (ValueError, LookupError):
            log.exception("Session %s has an interaction that does not answer its prompts.", session_id)
            self._fail(run, "LogError", "A recorded answer does not fit the prompts of this app.")

    def halt(self, session_id: UUID) -> None:
        """Stop a run whose session was ended or taken over by somebody else."""
        run = self._runs.pop(session_id, None)
        if run is None:
            return
        run.stop()
        self._stopped[run] = time.monotonic()
        if run.task is not None:
            self._loop.call_soon_threadsafe(run.task.cancel)

    def sweep(self) -> None:
        """Find what a lost message left behind, and interrupt runs that ignore their stop."""
        unowned = {
            row[0]: row for row in Session.objects.unowned().values_list("id", "app_id", "app__entry_point")
        }
        for session_id in unowned.keys() & self._unowned:  # others are on their way
            self.advance(*unowned[session_id])
        self._unowned = set(unowned)
        runs = list(self._runs.items())  # before the rows: a run whose row is not ours now was ended
        owned = dict(Session.objects.filter(owner=self.name).values_list("id", "status"))
        for session_id, run in runs:
            if run.over or session_id not in owned:
                self.halt(session_id)  # perhaps its app caught what should have ended it
            elif run.is_waiting and owned[session_id] == Status.RUNNING:
                self.wake(session_id)
        self._end_strays(owned)
        self._interrupt_stopped()
        self._printer.save()

    def finish_printed(self) -> None:
        """Have written what the apps printed, all of it, before the writer stops."""
        self._printer.finish()

    # From claim to settled.

    def _claimed(
        self, session_id: UUID, app_id: str, entry_point: str, outcome: Position | Exception
    ) -> None:
        if isinstance(outcome, FencedError):
            return  # somebody else has it
        if isinstance(outcome, Exception):
            log.error("Session %s could not be claimed: %s. The sweep tries again.", session_id, outcome)
            return
        claim = Claim(session_id, app_id, entry_point, outcome)
        run = self._runs[session_id] = Run(claim, self._writer, self._printer.prints_of(session_id))
        run.thread = threading.Thread(target=self._play, args=(run,), name=f"run-{session_id}", daemon=True)
        try:
            run.thread.start()
        except RuntimeError as error:  # no more threads to be had
            log.exception("Session %s gets no thread.", session_id)
            self._fail(run, "RunnerOverloaded", "The server has no thread for this session.", str(error))

    def _play(self, run: Run) -> None:
        with run.prints.caught():
            self._load_and_play(run)

    def _load_and_play(self, run: Run) -> None:
        """In a run's thread: load the app here, since a file may block, then play it here or in the loop."""
        try:
            app = discovery.load(run.claim.entry_point, run.claim.app_id)
        except (AppLoadError, KeyboardInterrupt) as error:  # in a thread not the terminal's, but the app's
            log.warning("Session %s cannot start: %s", run.session_id, error)
            failure = f"{error}\n{getattr(error, 'details', '')}"
            self._fail(run, "AppLoadError", f"The app {run.claim.app_id} does not load.", failure)
            return
        if app.is_async:
            context = contextvars.copy_context()
            self._loop.call_soon_threadsafe(self._start_task, run, app, context)
            return
        with self._settled(run):
            play(app, run)

    def _start_task(self, run: Run, app: App[..., Any], context: contextvars.Context) -> None:
        run.thread = None
        run.task = self._loop.create_task(
            self._aplay(run, app), context=context, name=f"run-{run.session_id}"
        )
        if run.over:
            run.task.cancel()

    async def _aplay(self, run: Run, app: App[..., Any]) -> None:
        tasks = RunTasks()
        tasks_of_run.set(tasks)
        with run.prints.caught(), self._settled(run):
            await aplay(app, run)
        tasks.end()  # the session is over; what its app left running is too

    @contextmanager
    def _settled(self, run: Run) -> Iterator[None]:
        """However playing ends, the session has its exit and the run is forgotten."""
        try:
            yield
        except SessionOver:
            pass
        except asyncio.CancelledError:
            self._fail(run, "CancelledError", "The app's task was cancelled from within.")
        except BaseException as error:
            log.exception("Session %s ended by an error outside its app's functions.", run.session_id)
            self._fail(run, type(error).__name__, f"Error outside the app: {error}", traceback.format_exc())
        finally:
            self._runs.pop(run.session_id, None)
            self._stopped.pop(run, None)

    def _fail(self, run: Run, error_type: str, reason: str, failure: str = "") -> None:
        run.fail(failed_exit(run.claim.app_id, error_type, reason), failure or reason)
        self._runs.pop(run.session_id, None)

    def _end_strays(self, owned: Iterable[UUID]) -> None:
        """End sessions that are this runner's in the database, but that it has not run for two sweeps.

        Their run could not write its end, since the database refused it.
        """
        strays = set(owned) - set(self._runs)
        for session in Session.objects.filter(id__in=strays & self._strays, owner=self.name):
            self._writer.put(abandonment(session.id, session.app_id, self.name), log_refusal)
        self._strays = strays

    def _interrupt_stopped(self) -> None:
        """Raise Stopped inside the threads, or cancel the tasks, of runs that go on although they are over.

        By then such a run is in its app's own code, since every call of ours raises at once. Code
        that never returns to Python cannot be interrupted; it is left to end by itself.
        """
        for run, since in list(self._stopped.items()):
            if not run.is_alive:
                self._stopped.pop(run, None)
            elif time.monotonic() - since < conf.stop_grace_seconds:
                continue
            elif run.task is not None:
                self._loop.call_soon_threadsafe(run.task.cancel)
            elif run.thread is not None:
                thread_id, exception = ctypes.c_ulong(run.thread.ident or 0), ctypes.py_object(Stopped)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread_id, exception)


def log_refusal(outcome: Position | Exception) -> None:
    """What to do with a write that nobody waits for: a fence is an answer, anything else is logged."""
    if isinstance(outcome, Exception) and not isinstance(outcome, FencedError):
        log.error("A session could not be ended: %s", outcome)
