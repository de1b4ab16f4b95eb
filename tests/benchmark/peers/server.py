"""A peer's own server: installed into an environment of its own, started, killed, weighed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.benchmark.serving import wait_for
from tests.server import ROOT, free_port

APPS = Path(__file__).parent / "apps"
ENVIRONMENTS = ROOT / ".peers"
START_SECONDS, STOP_SECONDS = 90.0, 10.0  # yera 0.4 imports for long
# What would reach out into the network, or take its settings from the user's own.
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}


@dataclass(frozen=True, slots=True)
class Peer:
    """One of them: its version by name, how it is installed and how it is run.

    `command` is a program of its environment, run in a copy of the folder `app`; `{port}` is filled in.
    """

    name: str
    requirements: Sequence[str]
    app: str
    command: Sequence[str]
    settings: Mapping[str, str] = field(default_factory=dict)

    def install(self) -> Path:
        """The folder of its programs. A finished environment is kept, and known by what was to go in."""
        environment = ENVIRONMENTS / self.name.lower().replace(" ", "-")
        installed = environment / "installed.txt"
        wanted = "\n".join(self.requirements)
        if not installed.exists() or installed.read_text() != wanted:
            print(f"installing {self.name} ...", file=sys.stderr, flush=True)  # noqa: T201
            subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
            pip = [str(environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *self.requirements], check=True)
            installed.write_text(wanted)
        return environment / "bin"


class PeerServer:
    """Runs in a folder that is its home too."""

    def __init__(self, peer: Peer, folder: Path) -> None:
        self.name = peer.name
        self.programs = peer.install()
        self.port = free_port()
        self.folder = folder
        self.command = [part.format(port=self.port) for part in peer.command]
        self.environment = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "HOME": str(folder),
            "YERA_HOME": str(folder),
            **QUIET,
            **peer.settings,
        }

    def start(self) -> PeerServer:
        program, *options = self.command
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.programs / program), *options],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that it can be killed with all that it started
            )
        try:
            wait_for(self.process, self.port, START_SECONDS)
        except ConnectionError as error:
            self.kill()
            raise ConnectionError(f"{self.name} does not listen. It says: {self.log}") from error
        return self

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def kill(self) -> None:
        """All of it at once, as when the machine goes down."""
        processes = processes_of(self.process.pid)
        with suppress(ProcessLookupError):  # all of it has ended by itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        psutil.wait_procs(processes, STOP_SECONDS)


def processes_of(pid: int) -> list[psutil.Process]:
    """A server and the processes that it has started; none when it has ended."""
    try:
        server = psutil.Process(pid)
        return [server, *server.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def running(peer: Peer) -> Iterator[PeerServer]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(APPS / peer.app, folder, dirs_exist_ok=True)
        server = PeerServer(peer, Path(folder)).start()
        try:
            yield server
        finally:
            server.kill()
