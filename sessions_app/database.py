"""Database calls from the event loop, in a few threads of our own with kept connections.

Django's own bridge would hold a thread and a connection for as long as a stream is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import ParamSpec, TypeVar

from django.db import Error, InterfaceError, OperationalError, connection, reset_queries

from sessions_app.conf import conf

# How long a busy thread holds up the others between two database calls: Python's default is ten times it.
SWITCH_SECONDS = 0.0005

P = ParamSpec("P")
R = TypeVar("R")

# What a database that is full, locked or gone raises: the same may go well a moment later.
UNAVAILABLE = (OperationalError, InterfaceError)


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that uses the ORM; the caller's cancellation does not cut it off."""
    return await _run(_threads(), partial(function, *args, **kwargs))


async def briefly_in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`in_database` for what every request asks and takes a millisecond, in a thread for that alone.

    Several threads at such work hold each other up: it takes them twice the processor time.
    """
    return await _run(_brief_thread(), partial(function, *args, **kwargs))


async def _run(threads: ThreadPoolExecutor, function: Callable[[], R]) -> R:
    def call() -> R:
        try:
            return function()
        except Error:
            connection.close()  # it may be broken; the next call opens a new one
            raise
        finally:
            if connection.queries_logged:
                reset_queries()  # with DEBUG, Django keeps every statement

    return await asyncio.get_running_loop().run_in_executor(threads, call)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(conf.database_threads, thread_name_prefix="database")


@lru_cache(maxsize=1)
def _brief_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="brief")
