"""uvicorn as this project runs it: streams are told to come back before it stops."""

from __future__ import annotations

import socket
import sys

import uvicorn

from sessions_app.conf import conf
from sessions_app.database import SWITCH_SECONDS
from sessions_app.server import begin_shutdown

GRACE_SECONDS = 5
BACKLOG = 2048
APPLICATION = "yera_project.asgi:application"


class StreamingServer(uvicorn.Server):
    """uvicorn waits for open streams when it stops, but does not tell them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        begin_shutdown()
        await super().shutdown(sockets)


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; exits with an error where the address is taken."""
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        APPLICATION,
        host=host,
        port=port,
        lifespan="on",
        ws="none",
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
        access_log=False,
        log_config=None,
        server_header=False,
    )
    listener = config.bind_socket()
    _drop_dead_clients(listener)
    StreamingServer(config).run(sockets=[listener])


def _drop_dead_clients(listener: socket.socket) -> None:
    """Let the kernel end connections whose client takes nothing, as it alone can.

    A connection that we close stays open until its client has taken what was sent before.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it
        milliseconds = int(conf.send_timeout_seconds * 1000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
