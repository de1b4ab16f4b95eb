"""Chainlit, over the Socket.IO connection of its page.

First output: the WebSocket's upgrade, the namespace's connect and the page's greeting, to the first
message; a page spends more, since it begins without WebSocket. Turn: a message to its echo.
"""

from __future__ import annotations

import uuid
from typing import Any

from tests.benchmark.peers.conversation import Conversation
from tests.benchmark.peers.server import Peer
from tests.benchmark.peers.websocket import SocketIO


class Chainlit(Conversation):
    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.connection = SocketIO(port)
        self.session = str(uuid.uuid4())

    def begin(self) -> None:
        self.connect()
        self.next_output()

    def settle(self) -> None:
        """It waits at any time."""

    def answer(self) -> None:
        self.send()
        self.next_output()

    def goes_on(self) -> bool:
        """Whether its server knows the session: else it greets again."""
        self.connection = SocketIO(self.port)
        self.connect()
        self.send()
        return self.next_output() != "hello"

    def end(self) -> None:
        self.connection.emit("clear_session")
        self.connection.close()

    def connect(self) -> None:
        auth = {"sessionId": self.session, "clientType": "webapp", "userEnv": "{}"}
        self.connection.connect("/ws/socket.io/", auth)
        self.connection.emit("connection_successful")

    def next_output(self) -> str:
        """What the app says next; the user's own messages come back too."""
        while (message := self.connection.next_event("new_message"))["type"] != "assistant_message":
            pass
        return str(message["output"])

    def send(self) -> None:
        message: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "threadId": "",
            "name": "user",
            "type": "user_message",
            "output": "x",
            "createdAt": "2026-11-25T00:00:00Z",
        }
        self.connection.emit("client_message", {"message": message, "fileReferences": []})


CHAINLIT = Peer(
    "Chainlit 2.12",
    ["chainlit==2.12.0"],
    "chainlit",
    ["chainlit", "run", "echo.py", "--headless", "--host", "127.0.0.1", "--port", "{port}"],
)
