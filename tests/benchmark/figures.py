"""What a benchmark measures: figures with their goals and references, as a table and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Measure(StrEnum):
    """Which number of a figure a goal is about."""

    MEDIAN = "median"
    P99 = "p99"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on one number of a figure; `reference` names the one that a ratio is to."""

    bound: float
    measure: Measure = Measure.MEDIAN
    is_least: bool = False
    reference: str = ""

    def __str__(self) -> str:
        measure = "" if self.measure is Measure.MEDIAN else f"{self.measure} "
        return f"{measure}{'≥' if self.is_least else '≤'} {number(self.bound)}"

    def is_met_by(self, value: float) -> bool:
        return value >= self.bound if self.is_least else value <= self.bound


def at_most(bound: float, measure: Measure = Measure.MEDIAN, reference: str = "") -> Goal:
    return Goal(bound, measure, reference=reference)


def at_least(bound: float, measure: Measure = Measure.MEDIAN, reference: str = "") -> Goal:
    return Goal(bound, measure, is_least=True, reference=reference)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `references` are medians of the same thing elsewhere, in the same run.

    `is_count`: it does not depend on the machine's speed, so missing its goal is a failure.
    """

    row: str
    name: str
    unit: str
    median: float
    p99: float | None = None
    goals: Sequence[Goal] = ()
    references: Mapping[str, float] = field(default_factory=dict)
    is_count: bool = False

    @property
    def missed(self) -> list[Goal]:
        """The goals that it does not reach."""
        return [goal for goal in self.goals if not goal.is_met_by(self._value(goal))]

    def ratio(self, reference: str) -> float:
        return self.median / self.references[reference]

    def as_json(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "p99": self.p99,
            "references": dict(self.references),
            "ratios": {name: self.ratio(name) for name in self.references},
            "goals": [str(goal) for goal in self.goals],
            "missed": [str(goal) for goal in self.missed],
            "is_count": self.is_count,
        }

    def _value(self, goal: Goal) -> float:
        match goal.measure:
            case Measure.MEDIAN:
                return self.median
            case Measure.P99 if self.p99 is not None:
                return self.p99
            case Measure.RATIO:
                return self.ratio(goal.reference)
            case _:
                raise ValueError(f"{self.row}, {self.name} has no {goal.measure} to hold against {goal}.")


def timings(
    row: str,
    name: str,
    milliseconds: Sequence[float],
    goals: Sequence[Goal] = (),
    references: Mapping[str, Sequence[float]] | None = None,
) -> Figure:
    """The figure of single durations, in ms; of the references' too the medians are taken."""
    medians = {other: statistics.median(values) for other, values in (references or {}).items()}
    return Figure(row, name, "ms", statistics.median(milliseconds), p99(milliseconds), goals, medians)


def p99(values: Sequence[float]) -> float:
    """The value that a hundredth is at or beyond; of few values the highest."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


def number(value: float) -> str:
    """With as many digits as mean something."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


HEADER = ("figure", "", "median", "p99", "beside in the same run", "to reach", "")


def table(figures: Iterable[Figure]) -> str:
    """The figures as a table in Markdown."""
    lines = [HEADER, ("---",) * len(HEADER), *map(_cells, figures)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    beside = [
        f"{name} {number(value)} (ratio {number(figure.ratio(name))})"
        for name, value in figure.references.items()
    ]
    return (
        figure.row,
        figure.name,
        f"{number(figure.median)} {figure.unit}".strip(),
        "" if figure.p99 is None else number(figure.p99),
        "; ".join(beside),
        "; ".join(map(str, figure.goals)),
        "" if not figure.goals else "missed" if figure.missed else "reached",
    )
