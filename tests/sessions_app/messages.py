"""A dispatch that keeps what it is to tell the runners: a test tells them, or loses it on the way."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sessions_app.dispatch.base import Dispatch
from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from tests.sessions_app.crashing import Process

Message = Callable[[Process], None]


class MessageDispatch(Dispatch):
    """`messages` are to be called with the process that is told."""

    problem = ""

    def __init__(self, writer: LogWriter) -> None:
        self.messages: list[Message] = []

    async def start(self) -> None:
        """The test has a process."""

    async def stop(self) -> None:
        """The test ends it."""

    def advance(self, session_id: UUID, app_id: str, entry_point: str) -> None:
        self.messages.append(lambda process: process.advance(session_id))

    def wake(self, session_id: UUID, interaction: Entry) -> None:
        self.messages.append(lambda process: process.wake(session_id, interaction))

    def halt(self, session_id: UUID) -> None:
        self.messages.append(lambda process: process.halt(session_id))
