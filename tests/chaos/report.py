"""What a run of the harness counted, and the table in which it says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.chaos.story import Finding, Wrong, totals

SHOWN_FINDINGS = 40


@dataclass
class Report:
    """Counts of what happened, by name and in order, and everything that was wrong."""

    seed: int
    counts: dict[str, float] = field(default_factory=dict)
    exits: Counter[int] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, **counts: int) -> None:
        for name, count in counts.items():
            name = name.replace("_", " ")
            self.counts[name] = self.counts.get(name, 0) + count

    def find(self, findings: Iterable[Finding], where: str) -> None:
        """Take what was found wrong, with where."""
        self.findings += (Finding(each.wrong, f"{where}: {each.text}", each.count) for each in findings)

    def lines(self) -> Iterator[str]:
        """The table, then what was wrong."""
        wrong = totals(self.findings)
        rows: dict[str, float] = {"seed": self.seed, **self.counts, **self._ended()}
        rows |= {each.value: wrong[each] for each in Wrong}
        for name, value in rows.items():
            yield f"{name:40}{value:>10}"
        for finding in self.findings[:SHOWN_FINDINGS]:
            yield f"\n{finding.wrong.value} ({finding.count}): {finding.text}"
        if len(self.findings) > SHOWN_FINDINGS:
            yield f"\n… and {len(self.findings) - SHOWN_FINDINGS} more findings"

    def _ended(self) -> dict[str, int]:
        return {f"sessions ended with exit code {code}": self.exits[code] for code in sorted(self.exits)}
