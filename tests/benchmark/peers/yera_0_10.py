"""yera 0.10: `yera run FILE`, an app without a model.

Its server renders HTML. First output: POST the app's sessions, GET stream, the first message with
what the app shows. Turn: POST input, GET stream as its page does then, the first message with the echo.
"""

from __future__ import annotations

from tests.benchmark.peers.connection import PeerConnection
from tests.benchmark.peers.conversation import Conversation
from tests.benchmark.peers.server import Peer


class Yera010(Conversation):
    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.calls, self.stream = PeerConnection(port), PeerConnection(port)
        self.asked = 0

    def begin(self) -> None:
        headers = self.calls.post_form("/apps/echo/echo/sessions")
        self.session = headers.split(b"hx-redirect: /")[1].split(b"\r\n")[0].decode()
        self.read(b"hello")

    def settle(self) -> None:
        self.stream.next_with(b"event: close")
        self.asked += 1
        self.stream.close()
        self.stream = PeerConnection(self.port)

    def answer(self) -> None:
        self.send("echo this")
        self.read(b"echo this")

    def goes_on(self) -> bool:
        self.calls, self.stream = PeerConnection(self.port), PeerConnection(self.port)
        try:
            self.answer()
        except RuntimeError:
            return False
        return True

    def end(self) -> None:
        self.send("stop")
        self.read(b"event: close")
        self.calls.close()
        self.stream.close()

    def read(self, part: bytes) -> None:
        self.stream.open_stream(f"/sessions/{self.session}/stream")
        self.stream.next_with(part)

    def send(self, text: str) -> None:
        request = f"input_request-{self.asked}"
        path = f"/sessions/{self.session}/input"
        self.calls.post_form(path, request_id=request, data_type="text", payload=f'"{text}"')


YERA_0_10 = Peer(
    "yera 0.10.2",
    ["yera==0.10.2"],
    "yera_0_10",
    ["yera", "run", "echo.py", "--no-browser", "--port", "{port}"],
)
