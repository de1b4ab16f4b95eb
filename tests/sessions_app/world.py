"""The server that random operations are done with, and what is to be known of its sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sessions_app.models import Kind, LogEntry
from sessions_app.server import Server
from tests.sessions_app.command_app import Shown
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.crashing import Processes, announcing, is_exit
from tests.sessions_app.cut_client import CutClient
from tests.sessions_app.messages import Message, MessageDispatch
from tests.sessions_app.playing import rows
from tests.sessions_app.runners import SECONDS


@dataclass
class World:
    """The server of the test's event loop, called from the machine's thread."""

    server: Server
    set_app: SetApp
    runs: asyncio.AbstractEventLoop
    requests: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def call(self, request: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(request, self.requests).result(SECONDS)

    def call_all(self, *requests: Coroutine[Any, Any, Any]) -> list[Any]:
        """What each of some calls at the same time gives or raises."""

        async def together() -> list[Any]:
            return await asyncio.gather(*requests, return_exceptions=True)

        return list(self.call(together()))

    def taken_messages(self) -> list[Message]:
        """What the web has to tell the process since the last time."""
        assert isinstance(dispatch := self.server.dispatch, MessageDispatch)
        taken, dispatch.messages = dispatch.messages, []
        return taken

    def processes(self) -> Processes:
        return Processes(self.runs, self.server.writer, announcing(self.requests))


@dataclass(eq=False)
class Known:
    """What the machine knows of a session.

    `answers` by block id are those that were accepted, in order. A fork begins with what was `copied`.
    """

    id: UUID
    answers: dict[str, Any] = field(default_factory=dict)
    copied: list[Any] = field(default_factory=list)
    is_cancelled: bool = False

    def __post_init__(self) -> None:
        self.client = CutClient(self.id)

    def __repr__(self) -> str:
        return f"session after {list(self.answers.values())}"


def contents(session_id: UUID, up_to: int) -> list[Any]:
    return [(row.seq, row.kind, row.step, row.closes_turn, row.payload) for row in rows(session_id, up_to)]


def fork_points(log: list[LogEntry]) -> list[int]:
    """The seqs after which a session stood as it can stand again."""
    points = [entry for entry in log if entry.kind == Kind.INTERACTION or entry.closes_turn]
    return [0, *(entry.seq for entry in points if not is_exit(entry))]


def without_data(block_id: str, chunk_id: int, parent: str | None, data: Any) -> Shown:
    return block_id, chunk_id, parent, data.get("content")
