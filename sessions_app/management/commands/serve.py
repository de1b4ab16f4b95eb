"""`manage.py serve`: migrate, seed the apps, serve."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from sessions_app.web_server import serve

SEED_SECONDS = 60


class Command(BaseCommand):
    help = "Migrates the database, seeds the apps and serves HTTP, with a runner process beside it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument(
            "--seed-seconds", type=float, default=SEED_SECONDS, help="for loading all app files"
        )

    def handle(self, *args: Any, host: str, port: int, seed_seconds: float, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        self._seed(seed_seconds)
        serve(host, port)

    def _seed(self, seconds: float) -> None:
        """Seed in a child process: app files are never imported where HTTP is served.

        One that crashes or hangs the child does not keep the server from starting, with the apps
        that were known before. Python's fault handler then says which file it was.
        """
        command = [sys.executable, "-X", "faulthandler", sys.argv[0], "seed_apps"]
        with subprocess.Popen(command) as seeding:  # noqa: S603 - our own interpreter and command
            try:
                code = seeding.wait(seconds)
            except subprocess.TimeoutExpired:
                seeding.send_signal(signal.SIGABRT)
                code = seeding.wait()
        if code != 0:
            self.stderr.write(
                f"seed_apps ended with {code}: an app file ended it, or took over {seconds:g} s to load."
            )
            self.stderr.write("Serving the apps that were known before.")
