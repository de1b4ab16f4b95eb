"""`manage.py prune_sessions`: remove sessions that ended long ago, with their logs."""

from __future__ import annotations

import datetime
import re
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sessions_app import pruning
from sessions_app.models import Session


class Command(BaseCommand):
    help = (
        "Removes the sessions that ended longer ago than this, with their logs. A server may run meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=_time_before,
            required=True,
            metavar="AGE",
            help="such as 90s, 12h, 30d or 8w",
        )
        parser.add_argument("--batch", type=_count, default=100, help="how many are looked up at a time")
        parser.add_argument("--dry-run", action="store_true", help="remove nothing; say how many there are")

    def handle(
        self, *args: Any, older_than: datetime.datetime, batch: int, dry_run: bool, **options: Any
    ) -> None:
        if dry_run:
            self.stdout.write(f"{Session.objects.finished_before(older_than).count()} would be removed")
        else:
            self.stdout.write(f"{pruning.prune(older_than, batch)} removed")


def _time_before(age: str) -> datetime.datetime:
    try:
        return pruning.time_before(age)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    if re.fullmatch("[1-9][0-9]{0,3}", text) is None:
        raise ArgumentTypeError(f"{text!r} is no size of a batch: give 1 to 9999.")
    return int(text)
