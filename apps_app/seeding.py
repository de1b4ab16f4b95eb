"""Keeping the `App` rows in step with the app files. Rows are never deleted: sessions refer to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction

from apps_app.models import App
from apps_app.registry import Catalogue, Problem, scan


class ChangeKind(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    BROKEN = "broken"
    REPAIRED = "repaired"


@dataclass(frozen=True)
class Change:
    """A row as it should be, and the fields in which the saved one differs."""

    kind: ChangeKind
    row: App
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        fields = f" ({', '.join(self.fields)})" if self.fields else ""
        return f"{self.kind}: {self.row.id}{fields}"


@dataclass(frozen=True)
class SeedReport:
    changes: list[Change]
    unchanged: int
    problems: list[Problem]


def seed(file_seconds: float | None = None) -> SeedReport:
    """Bring the rows in step with the app files, in one transaction; a broken file stops no other.

    `file_seconds` as in `scan`.
    """
    catalogue = scan(file_seconds)
    with transaction.atomic():
        report = _compare(catalogue)
        App.objects.upsert(change.row for change in report.changes)
    return report


def check(file_seconds: float | None = None) -> SeedReport:
    """What `seed` would do; writes nothing."""
    return _compare(scan(file_seconds))


def _compare(catalogue: Catalogue) -> SeedReport:
    known = App.objects.in_bulk()
    wanted = catalogue.apps | _kept_out(catalogue, known)
    changes = [
        change for app_id, row in sorted(wanted.items()) if (change := _change(known.get(app_id), row))
    ]
    return SeedReport(changes, len(wanted) - len(changes), catalogue.problems)


def _kept_out(catalogue: Catalogue, known: dict[str, App]) -> dict[str, App]:
    """The known rows that cannot be run now, with the reason."""
    errors = {app_id: catalogue.load_error(row) for app_id, row in known.items()}
    return {app_id: known[app_id].broken(error) for app_id, error in errors.items() if error}


def _change(known: App | None, wanted: App) -> Change | None:
    if known is None:
        return Change(ChangeKind.ADDED, wanted)
    fields = tuple(name for name in App.SEEDED_FIELDS if getattr(known, name) != getattr(wanted, name))
    if not fields:
        return None
    if bool(known.load_error) == bool(wanted.load_error):
        return Change(ChangeKind.CHANGED, wanted, fields)
    return Change(ChangeKind.BROKEN if wanted.load_error else ChangeKind.REPAIRED, wanted, fields)
