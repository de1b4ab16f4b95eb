"""The tasks of async apps: `sys.exit` in one must end its session, not the event loop of all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

from apps_app.dsl.app import TaskExit

T = TypeVar("T")


def guarded_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T] | Generator[Any, None, T], **options: Any
) -> asyncio.Task[T]:
    """A task factory: what asyncio would raise in the loop itself becomes TaskExit."""
    task = asyncio.Task(_guarded(work), loop=loop, **options)
    task.add_done_callback(lambda _: work.close())  # a task that was cancelled at once has not begun it
    return task


async def _guarded(work: Any) -> Any:
    try:
        return await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise TaskExit(*error.args) from error
