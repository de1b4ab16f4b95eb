"""The settings of the session server: each read lazily, in its type, with its bounds.

The environment (or Django's settings module) may hold any of them as text or as a value.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

V = TypeVar("V")
N = TypeVar("N", bound=float)


class Access(StrEnum):
    """Who may use the server; sessions_app/permissions.py says what each means."""

    OPEN = "open"
    LOGIN = "login"


_known: dict[str, Any] = {}  # streams ask at every chunk


@receiver(setting_changed)
def _forget(*, setting: str, **_kwargs: Any) -> None:
    """A test overrides it, or has done so."""
    _known.pop(setting, None)


class Setting(ABC, Generic[V]):
    """One value, named `YERA_...`. Reading it raises ImproperlyConfigured when it does not hold."""

    expected: str  # how the sentence about a wrong value goes on

    def __init__(self, name: str, default: V, *, check_id: str, purpose: str) -> None:
        self.name = name
        self.default: V = default
        self.check_id = f"sessions_app.{check_id}"
        self.purpose = purpose

    def __get__(self, instance: object, owner: type) -> V:
        if self.name not in _known:
            _known[self.name] = self.read()
        value: V = _known[self.name]
        return value

    def read(self) -> V:
        """What the settings say now."""
        raw: Any = getattr(settings, self.name, self.default)
        try:
            return self.parse(str(raw))
        except ValueError as error:
            message = f"{self.name} must be {self.expected}, not {raw!r}."
            raise ImproperlyConfigured(message) from error

    @abstractmethod
    def parse(self, text: str) -> V:
        """The value that `text` stands for; raises ValueError."""


class Number(Setting[N]):
    """A number of the type of its default, and of at least `minimum`."""

    def __init__(self, name: str, default: N, *, minimum: N, check_id: str, purpose: str) -> None:
        super().__init__(name, default, check_id=check_id, purpose=purpose)
        self.minimum: N = minimum
        self.type: type[N] = type(default)
        kind = "a whole number" if self.type is int else "a number"
        self.expected = f"{kind} of at least {minimum}"

    def parse(self, text: str) -> N:
        value = self.type(text)  # from text, since int() would cut 1.5 off
        if not self.minimum <= value < math.inf:
            raise ValueError(text)
        return value


class AccessSetting(Setting[Access]):
    expected = "open or login"

    def parse(self, text: str) -> Access:
        return Access(text)


class Conf:
    """All settings by name; `Conf.all()` lists them for the start-up check and the README's table."""

    heartbeat_seconds = Number(
        "YERA_HEARTBEAT_SECONDS",
        15.0,
        minimum=0.01,
        check_id="E001",
        purpose="An idle stream gets a comment line this often.",
    )
    poll_seconds = Number(
        "YERA_POLL_SECONDS",
        1.0,
        minimum=0.0,
        check_id="E002",
        purpose="How often the followed sessions are looked up in the database, against lost hints; 0 never.",
    )
    send_timeout_seconds = Number(
        "YERA_SEND_TIMEOUT_SECONDS",
        60.0,
        minimum=0.01,
        check_id="E003",
        purpose="A stream whose client takes nothing for this long is closed.",
    )
    stream_buffer_bytes = Number(
        "YERA_STREAM_BUFFER_BYTES",
        1024 * 1024,
        minimum=1,
        check_id="E004",
        purpose="What a stream may hold for a slow client before it goes back to the log.",
    )
    max_turn_entries = Number(
        "YERA_MAX_TURN_ENTRIES",
        1_000_000,
        minimum=1,
        check_id="E005",
        purpose="A session that writes more log entries in one turn ends as failed.",
    )
    max_session_bytes = Number(
        "YERA_MAX_SESSION_BYTES",
        256 * 1024 * 1024,
        minimum=1,
        check_id="E006",
        purpose="A session whose log grows beyond this ends as failed.",
    )
    async_block_seconds = Number(
        "YERA_ASYNC_BLOCK_SECONDS",
        2.0,
        minimum=0.05,
        check_id="E007",
        purpose="An async app that holds up the event loop for this long is stopped.",
    )
    stop_grace_seconds = Number(
        "YERA_STOP_GRACE_SECONDS",
        1.0,
        minimum=0.0,
        check_id="E008",
        purpose="How long the app of an ended session may run on before it is interrupted.",
    )
    sweep_seconds = Number(
        "YERA_SWEEP_SECONDS",
        1.0,
        minimum=0.05,
        check_id="E009",
        purpose="How often a runner looks for sessions that a lost message left behind, and reports alive.",
    )
    runner_silence_seconds = Number(
        "YERA_RUNNER_SILENCE_SECONDS",
        30.0,
        minimum=1.0,
        check_id="E010",
        purpose="A runner process that has not reported for this long is replaced.",
    )
    lock_seconds = Number(
        "YERA_LOCK_SECONDS",
        3.0,
        minimum=0.1,
        check_id="E013",
        purpose="A runner that holds the database's lock for this long without reporting is replaced.",
    )
    database_threads = Number(
        "YERA_DATABASE_THREADS",
        4,
        minimum=1,
        check_id="E011",
        purpose="Threads of the web process that read the database, besides one for what each request asks.",
    )
    max_body_bytes = Number(
        "YERA_MAX_BODY_BYTES",
        1024 * 1024,
        minimum=1,
        check_id="E012",
        purpose="A larger request body is refused with 413.",
    )
    access = AccessSetting(
        "YERA_ACCESS",
        Access.OPEN,
        check_id="E014",
        purpose="`open`: anyone may start sessions; `login`: only signed-in users, each sees their own.",
    )
    printed_characters = Number(
        "YERA_PRINTED_CHARACTERS",
        64 * 1024,
        minimum=1,
        check_id="E015",
        purpose="How much of what its app printed is kept of a session, for the admin: the latest.",
    )
    access_check_seconds = Number(
        "YERA_ACCESS_CHECK_SECONDS",
        5.0,
        minimum=0.05,
        check_id="E016",
        purpose="How often the viewers of open streams are looked up, to end those no longer allowed.",
    )
    max_run_seconds = Number(
        "YERA_MAX_RUN_SECONDS",
        3600.0,
        minimum=0.0,
        check_id="E019",
        purpose="A session whose app runs for longer without a wait ends as expired; 0 never.",
    )
    max_wait_seconds = Number(
        "YERA_MAX_WAIT_SECONDS",
        0.0,
        minimum=0.0,
        check_id="E021",
        purpose="A session that waits for an answer for longer ends as expired; 0 never.",
    )
    max_life_seconds = Number(
        "YERA_MAX_LIFE_SECONDS",
        0.0,
        minimum=0.0,
        check_id="E022",
        purpose="A session that lasts for longer in all ends as expired; 0 never.",
    )
    hot_runs = Number(
        "YERA_HOT_RUNS",
        1000,
        minimum=1,
        check_id="E017",
        purpose="So many waiting sessions stay in memory; beyond that those that wait longest are parked.",
    )
    hot_seconds = Number(
        "YERA_HOT_SECONDS",
        300.0,
        minimum=0.0,
        check_id="E018",
        purpose="A session that has waited for this long is parked: it costs a row, no memory.",
    )

    @classmethod
    def all(cls) -> list[Setting[Any]]:
        return [value for value in vars(cls).values() if isinstance(value, Setting)]


conf = Conf()
