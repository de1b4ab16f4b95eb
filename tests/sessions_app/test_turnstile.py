"""The turnstile: writers of one database take turns, and none is starved."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil
import pytest
from django.db import connection

from sessions_app.turnstile import OpenDoor, Turnstile, turnstile
from tests.deadline import until
from tests.server import ROOT

SECONDS = 20.0
SHORT_SECONDS = 0.3

# Takes turn after turn without a pause, and shows each begin and end in the file.
FLOOD = """
import sys
from sessions_app.turnstile import Turnstile
turnstile = Turnstile(sys.argv[1])
with open(sys.argv[1], "ab", buffering=0) as file:
    while True:
        with turnstile.turn():
            file.write(b"(")
            sum(range(20_000))  # a transaction takes longer than coming back for the next
            file.write(b")")
"""

# Shows when it asks for its only turn, and when it has it.
ONE_TURN = """
import sys
from sessions_app.turnstile import Turnstile
turnstile = Turnstile(sys.argv[1])
with open(sys.argv[1], "ab", buffering=0) as file:
    file.write(b"?")
    with turnstile.turn():
        file.write(b"!")
"""


@contextmanager
def other_process(program: str, file: Path) -> Iterator[subprocess.Popen[bytes]]:
    file.touch()
    with subprocess.Popen([sys.executable, "-c", program, str(file)], cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """Raises TimeoutError in the middle of a system call that waits."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_turns_of_two_processes_do_not_overlap(tmp_path: Path) -> None:
    file = tmp_path / "database"
    ours = Turnstile(str(file))
    with other_process(FLOOD, file) as flood, file.open("ab", buffering=0) as story:
        assert until(lambda: file.stat().st_size > 1000)
        for _ in range(200):
            with ours.turn():
                story.write(b"[")
                story.write(b"]")
        assert flood.poll() is None
    ours.close()
    turns = file.read_bytes().rstrip(b"(")
    assert turns.count(b"[]") == 200
    assert turns.replace(b"()", b"").replace(b"[]", b"") == b""


def test_who_waits_comes_before_who_comes_back(tmp_path: Path) -> None:
    """However slow it is to take its turn: here it is stopped when the turn becomes free."""
    file = tmp_path / "database"
    ours = Turnstile(str(file))
    with other_process(ONE_TURN, file) as child:
        other = psutil.Process(child.pid)
        with ours.turn():
            assert until(lambda: file.read_bytes() == b"?" and other.status() == psutil.STATUS_SLEEPING)
            other.suspend()
            assert until(lambda: other.status() == psutil.STATUS_STOPPED)
        with pytest.raises(TimeoutError), no_longer_than(SHORT_SECONDS), ours.turn():
            pass
        other.resume()
        with ours.turn():
            assert file.read_bytes() == b"?!"
        assert child.wait(SECONDS) == 0
    ours.close()


def test_turns_of_two_threads_do_not_overlap(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def take_turns() -> None:
        turnstile = Turnstile(str(tmp_path / "database"))
        for _ in range(200):
            with turnstile.turn():
                inside.append(1)
                most.append(len(inside))
                inside.pop()
        turnstile.close()

    threads = [threading.Thread(target=take_turns) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (600, 1)


def test_turn_ends_with_an_error_too(tmp_path: Path) -> None:
    first, second = Turnstile(str(tmp_path / "database")), Turnstile(str(tmp_path / "database"))
    with pytest.raises(ZeroDivisionError), first.turn():
        _ = 1 / 0
    with second.turn():
        pass
    first.close()
    second.close()


@pytest.mark.django_db
def test_sqlite_file_has_one_and_other_databases_need_none() -> None:
    gate = turnstile(connection)
    assert isinstance(gate, Turnstile)
    gate.close()
    with OpenDoor().turn(), OpenDoor().turn():
        pass
