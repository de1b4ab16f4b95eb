"""A real server process for tests and benchmarks: `manage.py serve` with a port and database of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from tests.client import SessionClient

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 30.0


class ServerProcess:
    """Started by `start`; `environment` adds to the server's. Its output is in `log`."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = folder / "server.log"
        self.environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "STATIC_ROOT": str(folder / "static"),
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: list[SessionClient] = []

    def start(self, *options: str) -> ServerProcess:
        self.launch(*options)
        self.wait_until_ready()
        return self

    def launch(self, *options: str) -> None:
        """Start it without waiting for anything."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *options],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        """Until /ready answers; raises RuntimeError if the server ended, TimeoutError if it takes long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                raise RuntimeError(f"The server ended at its start:\n{self.log}")
            try:
                with urllib.request.urlopen(f"{self.url}/ready", timeout=1):  # noqa: S310 - our own address
                    return
            except (urllib.error.URLError, OSError):
                self.process.poll()
            time.sleep(0.05)  # the deadline bounds it
        raise TimeoutError(f"The server was not ready after {START_SECONDS} s:\n{self.log}")

    def client(self) -> SessionClient:
        """A client of this server; `dispose` closes it."""
        self._clients.append(SessionClient(self.url))
        return self._clients[-1]

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def runners(self) -> list[psutil.Process]:
        """The runner process that lives now, in a list; none for a moment while it is replaced."""
        return [child for child in self.all_runners() if "--suspects" not in _command(child)]

    def all_runners(self) -> list[psutil.Process]:
        """Those for suspects too."""
        return [
            child
            for child in self.children()
            if child.is_running() and "sessions_app.dispatch" in _command(child)
        ]

    def children(self) -> list[psutil.Process]:
        """All processes that the server has started and that live now."""
        return psutil.Process(self.pid).children()

    def runner(self) -> psutil.Process:
        """The one runner process."""
        (runner,) = self.runners()
        return runner

    def terminate(self) -> int:
        """SIGTERM, as a deploy sends it; the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL, as the kernel sends it when memory is short."""
        return self._end(signal.SIGKILL)

    def dispose(self) -> None:
        """Close the clients, and end the server if it still runs."""
        for client in self._clients:
            client.close()
        if self.process is not None and self.process.poll() is None:
            self.terminate()

    def _end(self, sent: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(sent)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()  # the test fails, but leaves nothing behind
            raise


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return []


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
