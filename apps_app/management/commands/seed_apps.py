"""`manage.py seed_apps`: bring the catalogue of apps in step with the app files."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps_app import seeding


class Command(BaseCommand):
    help = "Bring the catalogue of apps in step with the app files; a broken file stops no other."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; exit with 1 if the catalogue is out of step"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        report = seeding.check() if check else seeding.seed()
        for problem in report.problems:
            self.stderr.write(str(problem))
        for change in report.changes:
            self.stdout.write(str(change))
        self.stdout.write(f"{report.unchanged} unchanged")
        if check and report.changes:
            raise CommandError("The catalogue is out of step with the app files: run seed_apps.")
