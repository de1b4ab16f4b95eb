"""`manage.py seed_apps`: bring the catalogue of apps in step with the app files."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps_app import seeding

FILE_SECONDS = 30.0


class Command(BaseCommand):
    help = "Bring the catalogue of apps in step with the app files; a broken file stops no other."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; exit with 1 if the catalogue is out of step"
        )

        parser.add_argument(
            "--file-seconds", type=float, default=FILE_SECONDS, help="how long one app file may take to load"
        )

    def handle(self, *args: Any, check: bool, file_seconds: float, **options: Any) -> None:
        report = seeding.check(file_seconds) if check else seeding.seed(file_seconds)
        for problem in report.problems:
            self.stderr.write(str(problem))
        for change in report.changes:
            self.stdout.write(str(change))
        self.stdout.write(f"{report.unchanged} unchanged")
        if check and report.changes:
            raise CommandError("The catalogue is out of step with the app files: run seed_apps.")
