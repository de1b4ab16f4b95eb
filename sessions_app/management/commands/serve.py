"""`manage.py serve`: migrate, seed the apps, serve."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.urls import reverse

from sessions_app.web_server import serve


class Command(BaseCommand):
    help = "Migrates the database, seeds the apps and serves HTTP, with a runner process beside it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--file-seconds", default="30", help="how long one app file may take to load")

    def handle(self, *args: Any, host: str, port: int, file_seconds: str, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        # In a child process: app files are never imported where HTTP is served.
        command = [sys.executable, sys.argv[0], "seed_apps", "--file-seconds", file_seconds]
        with subprocess.Popen(command) as seeding:  # noqa: S603 - our own interpreter and command
            call_command("collectstatic", interactive=False, verbosity=0)
        if seeding.returncode != 0:
            self.stderr.write(
                f"seed_apps ended with {seeding.returncode}: serving the apps that were known before."
            )
        if not get_user_model()._default_manager.filter(is_superuser=True, is_active=True).exists():
            self.stdout.write(_how_to_get_into_the_admin(host, port))
            self.stdout.flush()  # into a file or pipe, too, before anything is served
        serve(host, port)


def _how_to_get_into_the_admin(host: str, port: int) -> str:
    # Not resolved: a virtual environment's interpreter is a link, and works under this name alone.
    python = os.path.relpath(sys.executable)
    if python.startswith(os.pardir):
        python = sys.executable
    command = shlex.join([python, sys.argv[0], "createsuperuser"])
    address = f"[{host}]" if ":" in host else host
    return f"The admin, http://{address}:{port}{reverse('admin:index')}, has no user yet: {command}"
