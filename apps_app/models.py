"""`App`: the catalogue row of an author's app, kept in step with the app files by `seed_apps`.

Web processes know apps only from here; they never import an app file (invariant 8).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

from django.db import connection, models


class AppQuerySet(models.QuerySet["App"]):
    def runnable(self) -> AppQuerySet:
        """Apps that a session can be started of."""
        return self.filter(active=True, load_error="")

    def startable(self, app_id: str) -> App | None:
        """The runnable app with this id, with what a start needs to know of it."""
        # A plain query, since every start asks: the ORM takes ten times as long to build it.
        columns = ("id", "entry_point", "code_hash", *App.LIMITS)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {', '.join(columns)} FROM {App._meta.db_table} "  # noqa: S608 - names are ours
                "WHERE id = %s AND active AND load_error = ''",
                [app_id],
            )
            row = cursor.fetchone()
        return None if row is None else App(**dict(zip(columns, row, strict=True)))

    def limited(self) -> AppQuerySet:
        """Apps that have a time limit of their own; without what else may be large."""
        return self.exclude(**dict.fromkeys(App.LIMITS)).only(*App.LIMITS)

    def upsert(self, rows: Iterable[App]) -> None:
        """Save rows by their id, those that are new and those that are known."""
        self.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=App.SEEDED_FIELDS)


class App(models.Model):
    """One app. `entry_point` is `path/to/file.py:function` or `package.yera_apps:function`.

    `active` and the time limits are the operators': seeding never touches them. `load_error` says
    why the app's file does not give it now, empty if it does.
    """

    id = models.CharField(primary_key=True, max_length=255)
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    path = models.JSONField(
        default=list, blank=True, help_text="Folders that lead to the app's file, as names"
    )
    entry_point = models.CharField(max_length=1024)
    active = models.BooleanField(default=True, help_text="Sessions of it may be started")
    max_run_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How long it may run without a wait. 0: for ever; empty: as the server says",
    )
    max_wait_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long its sessions may wait for an answer, likewise"
    )
    max_life_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long its sessions may last in all, likewise"
    )
    inputs_schema = models.JSONField(default=dict, help_text="JSON Schema of the function's parameters")
    code_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the app file")
    load_error = models.TextField(blank=True)

    LIMITS = ("max_run_seconds", "max_wait_seconds", "max_life_seconds")
    SEEDED_FIELDS = (
        "name",
        "description",
        "path",
        "entry_point",
        "inputs_schema",
        "code_hash",
        "load_error",
    )

    objects = AppQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.id

    @property
    def location(self) -> str:
        """The file or module that defines the app."""
        return self.entry_point.rpartition(":")[0]

    def broken(self, load_error: str) -> App:
        """This row as it is while its file does not give the app; not saved."""
        row = copy.copy(self)
        row.load_error = load_error
        return row
