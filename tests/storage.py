"""What goes wrong below the database: a disk that is full, another program that has it locked."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil


@contextmanager
def full_disk(*processes: psutil.Process) -> Iterator[None]:
    """No file takes a byte more of these processes, nor of those that they start meanwhile."""
    for process in processes:
        _limit_files(process, 0)
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # killed meanwhile, as any of these may be at any moment
                _limit_files(process, resource.RLIM_INFINITY)
                for child in process.children():
                    with suppress(psutil.NoSuchProcess):
                        _limit_files(child, resource.RLIM_INFINITY)


def _limit_files(process: psutil.Process, size: int) -> None:
    process.rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program writes to a SQLite file, and does not come to an end."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
