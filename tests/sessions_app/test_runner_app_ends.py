"""However an app ends by itself, its session ends with it and nobody else's does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

import apps_app.dsl as yr
from sessions_app.models import Status
from tests.sessions_app.playing import exit_of, shown
from tests.sessions_app.runners import SECONDS, Start, ask_once_async, comes_to, error_type

pytestmark = pytest.mark.django_db(transaction=True)


def exit_sync() -> None:
    sys.exit(3)


async def exit_async() -> None:
    sys.exit(3)


async def exit_gathered() -> None:
    await asyncio.gather(exit_async(), asyncio.sleep(0))


def interrupt_sync() -> None:
    raise KeyboardInterrupt


async def interrupt_async() -> None:
    raise KeyboardInterrupt


async def interrupt_gathered() -> None:
    await asyncio.gather(interrupt_async(), asyncio.sleep(0))


def fail_sync() -> None:
    _ = 1 / 0


async def fail_async() -> None:
    _ = 1 / 0


def cancel_sync() -> None:
    raise asyncio.CancelledError


async def cancel_async() -> None:
    raise asyncio.CancelledError


async def cancel_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(SECONDS)


async def cancel_awaited() -> None:
    other = asyncio.create_task(asyncio.sleep(SECONDS))
    other.cancel()
    await other


def close_sync() -> None:
    raise GeneratorExit


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (exit_sync, "SystemExit"),
        (exit_async, "SystemExit"),
        (exit_gathered, "SystemExit"),
        (interrupt_sync, "KeyboardInterrupt"),
        (interrupt_async, "KeyboardInterrupt"),
        (interrupt_gathered, "SystemExit"),
        (fail_sync, "ZeroDivisionError"),
        (fail_async, "ZeroDivisionError"),
        (cancel_sync, "CancelledError"),
        (cancel_async, "CancelledError"),
        (cancel_itself, "CancelledError"),
        (cancel_awaited, "CancelledError"),
        (close_sync, "GeneratorExit"),
    ],
)
def test_whatever_an_app_raises_ends_its_session_alone(
    start: Start, function: Callable[..., Any], expected: str
) -> None:
    neighbour = start(ask_once_async)
    assert comes_to(neighbour, Status.WAITING)
    session = start(function)
    assert error_type(session) == expected
    assert [event["block_type"] for event in shown(session.id)] == ["exit"]
    assert comes_to(start(ask_once_async), Status.WAITING)
    assert comes_to(neighbour, Status.WAITING)


def test_app_that_gives_up_waiting_ends(start: Start) -> None:
    async def main() -> str:
        try:
            async with asyncio.timeout(0.01):
                await yr.atext_input()
        except TimeoutError:
            return "nobody answered"
        return "answered"

    session = start(main)
    assert comes_to(session, Status.FINISHED)
    assert (exit_of(session)["return_value"], session.pending) == ("nobody answered", [])
