"""The apps known to this process: what a scan of all sources found, and what it had to leave out."""

from __future__ import annotations

import sys
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.core.exceptions import ValidationError

from apps_app import discovery
from apps_app.child import ChildError, in_child
from apps_app.discovery import AppLoadError, Source
from apps_app.dsl.app import App as AuthorApp
from apps_app.events import encode_json
from apps_app.models import App
from apps_app.signature import inputs_schema


@dataclass(frozen=True)
class Problem:
    """Something that a scan left out. `where` is a folder, a source's location, or an entry point.

    `fatal`: what is there does not load, so no app that is known from there can be run.
    """

    where: str
    what: str
    details: str = ""
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.what}\n{self.details}".strip()


@dataclass
class Catalogue:
    """What a scan found: `apps` by id, as rows that are not saved; `locations` of all sources."""

    apps: dict[str, App] = field(default_factory=dict)
    locations: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def load_error(self, row: App) -> str:
        """Why an app that was known before cannot be run now; empty if it can.

        A file that does not load keeps the ids that it had: while it is broken, no app of the
        same id in another folder steps in.
        """
        for problem in self.problems:
            if problem.fatal and problem.where in (row.entry_point, row.location):
                return str(problem)
        if row.id in self.apps:
            return ""
        if row.location in self.locations:
            return f"{row.id}: {row.location} no longer defines it."
        return f"{row.id}: {row.location} is gone, or no longer in a folder of YERA_APPS_DIRS."

    def add(self, source: Source, found: Found) -> None:
        """Take up what a source holds; of two apps with one id the first is kept."""
        self.locations.add(source.location)
        self.problems += found.problems
        for row in found.rows:
            first = self.apps.setdefault(row.id, row)
            if first is not row:
                what = f"{row.id}: {row.entry_point} is left out, since {first.entry_point} comes first."
                self.problems.append(Problem(row.entry_point, what, fatal=False))

    def add_unreadable(self, error: OSError) -> None:
        what = f"{error.filename}: {error.strerror}. Correct YERA_APPS_DIRS, or make the folder readable."
        self.problems.append(Problem(error.filename, what, fatal=False))


@dataclass
class Found:
    """What one source holds."""

    rows: list[App] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def scan(file_seconds: float | None = None) -> Catalogue:
    """Execute every source of apps there is: never in a process that serves HTTP.

    With `file_seconds`, each in a child process that may take so long, end or crash.
    """
    discovery.install_author_api()
    catalogue = Catalogue()
    with redirect_stdout(sys.stderr):  # what an app file prints is no part of the caller's output
        for source in discovery.sources(catalogue.add_unreadable):
            catalogue.add(
                source, _execute(source) if file_seconds is None else _isolated(source, file_seconds)
            )
    return catalogue


def _isolated(source: Source, seconds: float) -> Found:
    try:
        return in_child(_execute, source, seconds)
    except ChildError as error:
        return Found(problems=[Problem(source.location, f"{source.module}: {source.location} {error}")])


def _execute(source: Source) -> Found:
    try:
        apps, code_hash = discovery.load_all(source)
    except AppLoadError as error:
        return Found(problems=[Problem(source.location, str(error), error.details)])
    found = Found()
    for app in apps:
        try:
            found.rows.append(_row(source, app, code_hash))
        except (TypeError, ValidationError) as error:
            details = "".join(traceback.format_exception_only(error.__cause__ or error))
            found.problems.append(Problem(source.entry_point(app), f"{app.id}: {error}", details))
    return found


def _row(source: Source, app: AuthorApp[..., Any], code_hash: str) -> App:
    """The row of a found app; raises TypeError or ValidationError for what a column does not take."""
    values = {
        "id": app.id,
        "name": app.name,
        "description": app.description,
        "path": source.folders,
        "entry_point": source.entry_point(app),
        "inputs_schema": inputs_schema(app.function),
        "code_hash": code_hash,
    }
    row = App(**orjson.loads(encode_json(values)))
    row.clean_fields()
    return row
