"""`make chaos` in short: a server is killed a few times under load, and its clients see nothing of it."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.ordeal import Ordeal


def test_sessions_survive_kills(tmp_path: Path) -> None:
    ordeal = Ordeal(tmp_path, sessions=8, seed=27)
    report = ordeal.go_through(kills=5)
    assert report.findings == [], "\n".join([*report.lines(), ordeal.log_tail])
    assert report.counts["kills"] == 5
    assert report.counts["sessions"] >= 8
    assert report.counts["reconnects"] > 0
    assert report.counts["steps executed"] > 0
