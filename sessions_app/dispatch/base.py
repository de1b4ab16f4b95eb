"""`Dispatch`: who plays sessions, and where. The calls are messages that may be lost without loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from uuid import UUID

from sessions_app.frames import Entry


class Dispatch(ABC):
    """Tells runners of work. Each call returns at once; the sweep finds what a message missed."""

    @abstractmethod
    async def start(self) -> None:
        """Have a runner, and settle what dead ones left behind."""

    @abstractmethod
    async def stop(self) -> None:
        """End the runners."""

    @abstractmethod
    def advance(self, session_id: UUID, app_id: str, entry_point: str) -> None:
        """A session was created: play its app."""

    @abstractmethod
    def wake(self, session_id: UUID, interaction: Entry) -> None:
        """A session was answered, by what is now in its log: play on."""

    @abstractmethod
    def halt(self, session_id: UUID) -> None:
        """A session was ended by somebody else: stop its run."""

    @property
    @abstractmethod
    def problem(self) -> str:
        """Why no runner would play a session now; empty when one would."""
