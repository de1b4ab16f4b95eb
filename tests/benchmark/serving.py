"""The servers that are measured: ours, and the references on the same kind of server."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server import ROOT, ServerProcess, free_port

APPS = Path(__file__).parent / "apps"
START_SECONDS = 20.0
# Of the web process, which read the database: they start one by one, as there is something to read.
POOL_THREADS = 5


@contextmanager
def serving(**settings: str) -> Iterator[ServerProcess]:
    """Our server, with the benchmark's apps and an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder), YERA_APPS_DIRS=str(APPS), **settings).start()
        try:
            yield server
        finally:
            server.terminate()


@contextmanager
def serving_reference(name: str) -> Iterator[int]:
    """The application of a module in `references`, on uvicorn as we run it; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"tests.benchmark.references.{name}:application"]
    options = [
        "--port",
        str(port),
        "--lifespan",
        "off",
        "--ws",
        "none",
        "--no-access-log",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen([*command, *options, "--backlog", "2048"], cwd=ROOT)
    try:
        wait_for(process, port)
        yield port
    finally:
        process.terminate()
        process.wait()


def wait_for(process: subprocess.Popen[bytes], port: int, seconds: float = START_SECONDS) -> None:
    """Until it listens there; raises ConnectionError when it has ended or that takes longer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # the deadline bounds it
