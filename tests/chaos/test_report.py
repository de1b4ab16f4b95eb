"""The table of `make chaos` has every count, and what was wrong with where it was."""

from __future__ import annotations

from tests.chaos.report import SHOWN_FINDINGS, Report
from tests.chaos.story import Finding, Wrong


def rows(report: Report) -> dict[str, str]:
    return {line[:40].strip(): line[40:].strip() for line in report.lines() if len(line) == 50}


def test_counts_add_up() -> None:
    report = Report(seed=7)
    report.add(sessions=1, entries_seen=20)
    report.add(sessions=1, entries_seen=3)
    report.exits.update([0, 3, 0])
    shown = rows(report)
    assert (shown["seed"], shown["sessions"], shown["entries seen"]) == ("7", "2", "23")
    assert shown["sessions ended with exit code 0"] == "2"
    assert shown["sessions ended with exit code 3"] == "1"


def test_nothing_wrong_is_said_too() -> None:
    assert {name: rows(Report(seed=7))[name] for name in Wrong} == dict.fromkeys(Wrong, "0")


def test_findings_are_counted_and_told_with_their_place() -> None:
    report = Report(seed=7)
    report.find([Finding(Wrong.LOST, "lacks 5", 3), Finding(Wrong.NO_END, "waits")], "session s")
    report.find([Finding(Wrong.LOST, "lacks 8")], "session t")
    assert (rows(report)["events lost"], rows(report)["sessions that did not end"]) == ("4", "1")
    assert list(report.lines())[-3] == "\nevents lost (3): session s: lacks 5"


def test_many_findings_are_told_in_part() -> None:
    report = Report(seed=7)
    report.find([Finding(Wrong.LOST, "lacks one")] * (SHOWN_FINDINGS + 2), "session s")
    assert rows(report)["events lost"] == str(SHOWN_FINDINGS + 2)
    assert list(report.lines())[-1] == "\n… and 2 more findings"
