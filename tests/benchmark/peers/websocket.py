"""The least Socket.IO client that can be measured with: a WebSocket over a blocking socket."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from websockets.client import ClientProtocol  # the one that uvicorn serves with
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from tests.benchmark.raw_client import PATIENCE_SECONDS, receive


class SocketIO:
    """One connection; the default namespace alone."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received: list[str] = []

    def connect(self, path: str, auth: Any) -> None:
        """Upgrade, then join the namespace with this `auth`."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        uri = parse_uri(f"ws://127.0.0.1:{self._port}{path}?EIO=4&transport=websocket")
        self._protocol = ClientProtocol(uri)
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        self._next_packet("0", deadline)
        self._send(f"40{json.dumps(auth)}")
        self._next_packet("40", deadline)

    def emit(self, name: str, *data: Any) -> None:
        self._send(f"42{json.dumps([name, *data])}")

    def next_event(self, name: str) -> Any:
        """The data of the next event of this name."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            event, *data = json.loads(self._next_packet("42", deadline))
            if event == name:
                return data[0]

    def close(self) -> None:
        self._socket.close()

    def _next_packet(self, kind: str, deadline: float) -> str:
        while True:
            while not self._received:
                self._receive(deadline)
            packet = self._received.pop(0)
            if packet.startswith(kind):
                return packet.removeprefix(kind)
            if packet == "2":  # a ping
                self._send("3")

    def _send(self, packet: str) -> None:
        self._protocol.send_text(packet.encode())
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)

    def _receive(self, deadline: float) -> None:
        self._protocol.receive_data(receive(self._socket, deadline))
        self._flush()
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._received.append(bytes(event.data).decode())
