"""The turnstile: writers of one database take turns, and none is starved."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from sessions_app.turnstile import OpenDoor, Turnstile, turnstile
from tests.server import ROOT

# A process that takes turn after turn without a pause, and shows each begin and end in the file.
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


@pytest.fixture
def flooded(tmp_path: Path) -> Iterator[Path]:
    """A file that another process takes all the turns of that it can get."""
    file = tmp_path / "database"
    file.touch()
    with subprocess.Popen([sys.executable, "-c", FLOOD, str(file)], cwd=ROOT) as flood:
        while file.stat().st_size < 1000:
            assert flood.poll() is None
        yield file
        flood.kill()


def test_flat_out_process_does_not_starve_another(flooded: Path) -> None:
    """Whoever waits comes next: from our asking to our turn the flood gets a few, however fast it is."""
    ours = Turnstile(str(flooded))
    with flooded.open("ab", buffering=0) as file:
        for _ in range(200):
            file.write(b"?")
            with ours.turn():
                file.write(b"[")
                file.write(b"]")
    ours.close()
    story = flooded.read_bytes().rstrip(b"(")
    turns = story.replace(b"?", b"")
    assert turns.replace(b"()", b"").replace(b"[]", b"") == b"", "two turns at once"
    waits = [wait.partition(b"[")[0].count(b"(") for wait in story.split(b"?")[1:]]
    assert sum(waits) <= 4 * len(waits)  # on average: any one may be long, if we were not scheduled


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
