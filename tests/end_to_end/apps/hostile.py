"""Apps that do what no app should; the server and the other sessions must not mind."""

import asyncio
import ctypes
import fcntl
import os
import sqlite3
import sys
import time
from pathlib import Path

import yera as yr


@yr.app(model=False)
def spin() -> None:
    yr.markdown("spinning")
    while True:
        pass


@yr.app(model=False)
async def spin_async() -> None:
    yr.markdown("spinning")
    while True:
        pass


@yr.app(model=False)
def sleep() -> None:
    yr.markdown("sleeping")
    time.sleep(3600)


@yr.app(model=False)
async def sleep_async() -> None:
    yr.markdown("sleeping")
    time.sleep(3600)


@yr.app(model=False)
def leave() -> None:
    if yr.buttons(["exit"]) == "exit":
        os._exit(3)


@yr.app(model=False)
def crash() -> None:
    if yr.buttons(["crash"]) == "crash":
        ctypes.string_at(0)


@yr.app(model=False)
def hold_interpreter() -> None:
    """Never lets go of the global interpreter lock."""
    yr.markdown("counting")
    sum(range(10**11))


@yr.app(model=False)
def hold_interpreter_in_a_commit() -> None:
    """The same while its process has the database to itself, as in the middle of a commit."""
    database = os.environ["DATABASE_URL"].removeprefix("sqlite:///")
    with open(f"{database}.turn") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        sqlite3.connect(database, isolation_level=None).execute("BEGIN IMMEDIATE")
        Path(f"{database}.held").touch()
        sum(range(10**11))


@yr.app(model=False)
def fork_and_leave() -> None:
    """Leaves a child behind that has all that its process had open."""
    if yr.buttons(["fork"]) == "fork":
        if os.fork() == 0:
            time.sleep(40)
            os._exit(0)
        os._exit(3)


@yr.app(model=False)
def flood() -> None:
    number = 0
    while True:
        try:
            yr.markdown(f"event {number}")
        except BaseException:
            yr.markdown("still here")
        number += 1


@yr.app(model=False)
def flood_and_swallow() -> None:
    while True:
        try:
            yr.markdown("event")
        except BaseException:
            pass


@yr.app(model=False)
def flood_bytes() -> None:
    while True:
        yr.markdown("x" * 10_000)


@yr.app(model=False)
def flood_prints() -> None:
    yr.markdown("printing")
    while True:
        print("x", end="")


@yr.app(model=False)
def leave_by_sys_exit() -> None:
    sys.exit(3)


@yr.app(model=False)
async def leave_task_by_sys_exit() -> None:
    async def leave() -> None:
        sys.exit(3)

    await asyncio.gather(leave())
