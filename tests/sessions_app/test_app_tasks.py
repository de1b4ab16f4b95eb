"""The task factory of async apps."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest

from apps_app.dsl.app import TaskExit
from sessions_app.app_tasks import guarded_task


@pytest.fixture
async def factory() -> None:
    asyncio.get_running_loop().set_task_factory(guarded_task)


async def give(value: int) -> int:
    return value


async def leave() -> None:
    sys.exit(3)


async def interrupt() -> None:
    raise KeyboardInterrupt


async def test_result_and_error_pass(factory: None) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    assert await asyncio.gather(*map(give, (1, 2))) == [1, 2]
    with pytest.raises(ZeroDivisionError):
        await asyncio.create_task(fail())


@pytest.mark.parametrize("work", [leave, interrupt])
async def test_what_would_stop_the_loop_becomes_an_exit_of_the_task(
    factory: None, work: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    with pytest.raises(TaskExit):
        await asyncio.create_task(work())
    assert await asyncio.create_task(give(1)) == 1


async def test_name_and_context_are_kept(factory: None) -> None:
    variable: ContextVar[int] = ContextVar("variable")

    async def look() -> tuple[str, int]:
        task = asyncio.current_task()
        assert task is not None
        return task.get_name(), variable.get()

    variable.set(7)
    assert await asyncio.create_task(look(), name="looking") == ("looking", 7)


async def test_task_that_is_cancelled_before_it_begins_leaves_nothing(factory: None) -> None:
    """No coroutine that was never awaited: such a warning would be an error here."""
    task = asyncio.create_task(give(1))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    del task
    gc.collect()
