"""yera 0.4, whose protocol ours is: `yera run FILE`, an app without a model.

First output: POST session, GET stream, first event. Turn: POST interaction, GET stream, first event.
"""

from __future__ import annotations

from tests.benchmark.peers.ours import Reopened
from tests.benchmark.peers.server import Peer


class Yera04(Reopened):
    patience_seconds = 120.0  # each session is a process that imports yera, in some ten seconds

    def settle(self) -> None:
        super().settle()
        self.calls.close()  # the server does so itself after five seconds without a request
        self.calls = self.connection()

    def end(self) -> None:
        self.send("stop")
        self.read()
        self.stream.read_to_end()  # by then its process, which spins at its end, is gone
        self.close()


YERA_0_4 = Peer(
    "yera 0.4.0",
    ["yera==0.4.0"],
    "yera_0_4",
    ["yera", "run", "echo.py", "--no-browser", "--port", "{port}"],
)
