"""yera 0.4, whose protocol ours is: `yera run FILE`, an app without a model.

First output: POST session, GET stream, first event. Turn: POST interaction, GET stream, first event.
"""

from __future__ import annotations

from tests.benchmark.peers.ours import Reopened
from tests.benchmark.peers.server import Peer


class Yera04(Reopened):
    APP = "yera_0_4_echo.echo"

    def end(self) -> None:
        self.send("stop")
        self.read()
        self.calls.close()
        self.stream.close()


YERA_0_4 = Peer(
    "yera 0.4.0",
    ["yera==0.4.0"],
    ["yera", "run", "yera_0_4_echo.py", "--no-browser", "--port", "{port}"],
)
