"""A TCP proxy that can cut the connections through it, as a bad network does."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType

CHUNK_BYTES = 64 * 1024


class Proxy:
    """Listens on 127.0.0.1 while its `with` block runs, and passes on to `port`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self.is_down = False
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection, and take no more until `mend`."""
        self.is_down = True
        for end in list(self._open):
            _end(end)

    def mend(self) -> None:
        self.is_down = False

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                if self.is_down:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open |= {client, server}
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):  # one side has gone; so goes the other
            while data := source.recv(CHUNK_BYTES):
                target.sendall(data)
        for end in (source, target):
            self._open.discard(end)
            _end(end)
            end.close()


def _end(end: socket.socket) -> None:
    # Closing alone would leave it open for as long as another thread reads from it.
    with suppress(OSError):  # it may have gone by itself
        end.shutdown(socket.SHUT_RDWR)
