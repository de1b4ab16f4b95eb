"""What is timed of a session with an echo, the same of ours and of each peer's."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable


class Conversation(ABC):
    """One session with the echo of the server at a port, over connections made before they are timed."""

    def __init__(self, port: int) -> None:
        self.port = port

    @abstractmethod
    def begin(self) -> None:
        """Start the session and read what it shows first."""

    @abstractmethod
    def settle(self) -> None:
        """Read on to where it waits for its user, and connect for the next turn."""

    @abstractmethod
    def answer(self) -> None:
        """Answer what it asks and read what it shows next."""

    def leave(self) -> None:
        """Read on to where a restart shall find it."""
        self.settle()

    @abstractmethod
    def goes_on(self) -> bool:
        """Whether it can be answered as before, once its server was killed and started again."""

    @abstractmethod
    def end(self) -> None:
        """Let the server forget it."""


def play(conversation: Conversation) -> tuple[float, float]:
    """One whole session: the milliseconds to its first output, and of its turn."""
    first_output = _timed(conversation.begin)
    conversation.settle()
    turn = _timed(conversation.answer)
    conversation.settle()
    conversation.end()
    return first_output, turn


def _timed(step: Callable[[], None]) -> float:
    start = time.perf_counter()
    step()
    return (time.perf_counter() - start) * 1000
