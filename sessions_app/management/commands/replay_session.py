"""`manage.py replay_session`: play recorded sessions against today's code, and say whether they match."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps_app.models import App
from sessions_app.models import Session, Status
from sessions_app.verification import verify

SECONDS = 60.0


class Command(BaseCommand):
    help = (
        "Play a recorded session against today's code, without writing or running a step, and say whether "
        "it matches. Exits with 1 if not. Other data is a warning."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("session_id", nargs="?", metavar="ID", help="of the session")
        parser.add_argument(
            "--all-finished", action="store_true", help="all finished sessions of --app, the newest first"
        )
        parser.add_argument("--app", metavar="ID", help="with --all-finished: of the app")
        parser.add_argument("--limit", type=_count, metavar="N", help="with --all-finished: no more than N")
        parser.add_argument(
            "--seconds", type=float, default=SECONDS, help="how long playing one session may take"
        )

    def handle(
        self,
        *args: Any,
        session_id: str | None,
        all_finished: bool,
        app: str | None,
        limit: int | None,
        seconds: float,
        **options: Any,
    ) -> None:
        if bool(session_id) == all_finished or all_finished != bool(app):
            raise CommandError("Give the ID of a session, or --all-finished with --app ID.")
        chosen = _finished_sessions(app, limit) if app else _session(str(session_id))
        failed = [self._matches(key, seconds) for key in chosen].count(False)
        if all_finished:
            self.stdout.write(f"{len(chosen)} played, of which {failed} do not match")
        if failed:
            raise CommandError("Today's code does not do what is recorded.")

    def _matches(self, key: UUID, seconds: float) -> bool:
        verdict = verify(Session.objects.select_related("app").get(id=key), seconds)
        for line in verdict.lines():
            self.stdout.write(line)
        self.stdout.flush()
        return verdict.matches


def _session(session_id: str) -> list[UUID]:
    try:
        key = UUID(session_id)
    except ValueError as error:
        raise CommandError(f"{session_id} is not the ID of a session, which is a UUID.") from error
    if not Session.objects.filter(id=key).exists():
        raise CommandError(f"There is no session {session_id}.")
    return [key]


def _finished_sessions(app_id: str, limit: int | None) -> list[UUID]:
    """The newest first, by their ids alone: they are read one by one."""
    if not App.objects.filter(id=app_id).exists():
        raise CommandError(f"There is no app {app_id}. `manage.py seed_apps` takes up what is new.")
    finished = Session.objects.newest_first().filter(app=app_id, status=Status.FINISHED)
    found = list(finished.values_list("id", flat=True)[:limit])
    if not found:
        raise CommandError(f"No session of {app_id} is finished.")
    return found


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is not a number from 1 on")
    return int(text)
