"""Playing runs: sync apps in a thread each, async ones in one event loop; each to its settled end."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from apps_app import discovery
from apps_app.discovery import AppLoadError
from apps_app.dsl.app import App, aplay, play
from apps_app.dsl.runtime import SessionOver, Stopped
from sessions_app import log_reading
from sessions_app.app_tasks import RunTasks, tasks_of_run
from sessions_app.exits import failed_exit
from sessions_app.replay import Recording
from sessions_app.run import Run
from sessions_app.steps import current_branch

log = logging.getLogger(__name__)

INTERRUPTIONS = 20
INTERRUPTION_SECONDS = 0.001


class Player:
    """`loop` runs the async apps; `ended` is told of each run when its app's function has ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ended: Callable[[Run], None]) -> None:
        self._loop = loop
        self._ended = ended

    def start(self, run: Run) -> None:
        run.thread = threading.Thread(
            target=self._play, args=(run,), name=f"run-{run.session_id}", daemon=True
        )
        try:
            run.thread.start()
        except RuntimeError as error:  # no more threads to be had
            log.exception("Session %s gets no thread.", run.session_id)
            fail(run, "RunnerOverloaded", "The server has no thread for this session.", str(error))
            self._ended(run)

    def cancel(self, run: Run) -> None:
        """Cancel the task of an async app's run; any thread may ask for it."""
        if run.task is not None:
            self._loop.call_soon_threadsafe(run.task.cancel)

    def interrupt(self, run: Run) -> None:
        """Raise Stopped inside the run's thread, or cancel its task.

        By then it is in its app's own code, since every call of ours raises at once. Code that never
        returns to Python cannot be interrupted; it is left to end by itself.
        """
        if run.task is not None:
            self.cancel(run)
            return
        thread_id = ctypes.c_ulong(0 if run.thread is None else run.thread.ident or 0)
        for _ in range(INTERRUPTIONS):  # an app that swallows what it can has a gap somewhere
            if run.has_left or not run.is_alive:
                return
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread_id, ctypes.py_object(Stopped))
            time.sleep(INTERRUPTION_SECONDS)

    def _play(self, run: Run) -> None:
        """In the run's thread: load here, since it may take its time, then play here or in the loop."""
        with run.prints.caught():
            app = self._loaded(run)
            if app is None:
                self._ended(run)
            elif app.is_async:
                context = contextvars.copy_context()
                self._loop.call_soon_threadsafe(self._start_task, run, app, context)
            else:
                with self._settled(run):
                    play(app, run)

    def _loaded(self, run: Run) -> App[..., Any] | None:
        """The run's app, and what the run has to play again; None where that cannot be had."""
        recording = Recording([])
        try:
            if run.claim.position.last_seq > 0:
                recording = read_recording(run)
                run.replay(recording)
                run.code_hash = discovery.code_hash(run.claim.entry_point)
            return discovery.load(run.claim.entry_point, run.claim.app_id)
        except SessionOver:
            return None
        except (AppLoadError, KeyboardInterrupt) as error:  # in a thread not the terminal's, but the app's
            log.warning("Session %s cannot be played: %s", run.session_id, error)
            failure = f"{error}\n{getattr(error, 'details', '')}"
            if run.claim.position.last_seq == 0:
                fail(run, "AppLoadError", f"The app {run.claim.app_id} does not load.", failure)
            else:
                run.diverge(recording.end({"kind": "load", "error": str(error)}), failure)
        except Exception:
            log.exception("Session %s could not be read; it is left to the next sweep.", run.session_id)
            run.release()
        return None

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
        current_branch.set(run.branch)
        with run.prints.caught(), self._settled(run):
            await aplay(app, run)
        tasks.end()  # the session is over, or goes on without this run; so is what its app left running

    @contextmanager
    def _settled(self, run: Run) -> Iterator[None]:
        """However playing ends, the session has its exit, or goes on without this run."""
        try:
            yield
        except SessionOver:
            pass
        except asyncio.CancelledError:
            fail(run, "CancelledError", "The app's task was cancelled from within.")
        except BaseException as error:
            log.exception("Session %s ended by an error outside its app's functions.", run.session_id)
            fail(run, type(error).__name__, f"Error outside the app: {error}", traceback.format_exc())
        finally:
            run.has_left = True  # what comes now is ours, and must not be interrupted
            self._ended(run)


def read_recording(run: Run) -> Recording:
    """What the log has up to the run's claim; in a thread of the run's own, which keeps no connection."""
    try:
        return Recording(log_reading.read_recorded(run.session_id, run.claim.position.last_seq))
    finally:
        connection.close()


def fail(run: Run, error_type: str, reason: str, failure: str = "") -> None:
    """End a run's session as failed, in the server's name."""
    run.fail(failed_exit(run.claim.app_id, error_type, reason), failure or reason)
