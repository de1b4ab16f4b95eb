"""The guard of the event loop: what blocks it is interrupted, and the loop lives on.

In processes of their own, since the guard signals the main thread and may end its process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent

from sessions_app.loop_guard import EXIT_CODE
from tests.server import ROOT

PROGRAM = """
import asyncio, time
import django
django.setup()
from sessions_app.loop_guard import EventLoopBlocked, LoopGuard

async def blocked(block):
    try:
        block()
    except EventLoopBlocked as error:
        print(type(error).__name__, flush=True)

def spin():
    while True:
        pass

def swallow():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            print("swallowed", flush=True)

async def main():
    LoopGuard(asyncio.get_running_loop())
    {main}

asyncio.run(main())
"""


def run(main: str) -> subprocess.CompletedProcess[str]:
    """Run the program with this in its event loop."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "yera_project.settings",
        "YERA_ASYNC_BLOCK_SECONDS": "0.1",
    }
    program = PROGRAM.replace("{main}", main)
    return subprocess.run(
        [sys.executable, "-c", dedent(program)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_task_that_blocks_is_interrupted_and_the_others_go_on() -> None:
    done = run(
        "await asyncio.create_task(blocked(spin), name='spinner')\n"
        "    await asyncio.create_task(blocked(lambda: time.sleep(60)), name='sleeper')\n"
        "    print(await asyncio.sleep(0, 'alive'))"
    )
    assert done.stdout.split() == ["EventLoopBlocked", "EventLoopBlocked", "alive"], done.stderr
    assert "spinner has blocked the event loop" in done.stderr
    assert "sleeper has blocked the event loop" in done.stderr
    assert done.returncode == 0


def test_task_that_gives_way_is_left_alone() -> None:
    done = run(
        "end = time.monotonic() + 0.5\n"
        "    while time.monotonic() < end:\n"
        "        await asyncio.sleep(0.01)\n"
        "    print('undisturbed')"
    )
    assert (done.stdout.split(), done.stderr, done.returncode) == (["undisturbed"], "", 0)


def test_loop_that_is_busy_itself_is_left_alone() -> None:
    """A callback of the loop belongs to no app."""
    done = run(
        "asyncio.get_running_loop().call_soon(time.sleep, 0.25)\n"
        "    await asyncio.sleep(0.3)\n"
        "    print('undisturbed')"
    )
    assert (done.stdout.split(), done.stderr, done.returncode) == (["undisturbed"], "", 0)


def test_process_ends_when_nothing_helps() -> None:
    done = run("await asyncio.create_task(blocked(swallow))")
    assert done.returncode == EXIT_CODE
    assert 1 <= done.stdout.count("swallowed") <= 5
    assert "cannot be interrupted" in done.stderr
