"""The tasks of async apps: one run's neither stop the event loop nor outlive their session."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import ContextVar
from typing import Any, TypeVar
from weakref import WeakSet

from apps_app.dsl.app import TaskExit
from apps_app.dsl.runtime import step_key
from sessions_app.steps import Branch, current_branch

T = TypeVar("T")

ASYNC_CLOSE = "async_generator_athrow"  # a type that Python has no other name for


class RunTasks(WeakSet[asyncio.Task[Any]]):
    """What one run's app has started; once it is over, whatever is still started is cancelled too."""

    is_over = False

    def end(self) -> None:
        self.is_over = True
        for task in self:
            task.cancel()


# A task hands its context on to those that it makes.
tasks_of_run: ContextVar[RunTasks] = ContextVar("tasks_of_run")


def guarded_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T] | Generator[Any, None, T], **options: Any
) -> asyncio.Task[T]:
    """A task factory: what asyncio would raise in the loop itself becomes TaskExit."""
    # What closes a generator that was dropped runs whenever and wherever that is found.
    branch = None if type(work).__name__ == ASYNC_CLOSE else _next_branch()
    task = asyncio.Task(_guarded(work, branch), loop=loop, **options)
    task.add_done_callback(lambda _: work.close())  # a task that was cancelled at once has not begun it
    if branch is not None:
        task.add_done_callback(lambda _: branch.end())
    if (tasks := tasks_of_run.get(None)) is not None:
        tasks.add(task)
        if tasks.is_over:
            task.cancel()
    return task


def _next_branch() -> Branch | None:
    """That of a task which is started now; none outside of runs, nor in a step, which a replay leaves out."""
    branch = current_branch.get(None)
    return None if branch is None or step_key.get() is not None else branch.child()


async def _guarded(work: Any, branch: Branch | None) -> Any:
    if branch is not None:
        current_branch.set(branch)
    try:
        return await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise TaskExit(*error.args) from error
