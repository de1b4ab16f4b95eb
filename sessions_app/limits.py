"""How long an app's sessions may run without a wait, wait for an answer, and last: as the app's row
says, or else the settings. Ends what is overdue; a sleep is no wait for an answer.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.utils import timezone

from apps_app.models import App
from sessions_app.conf import conf
from sessions_app.exits import expiration
from sessions_app.models import LIVE, Session, Status
from sessions_app.writes import Write

EXPIRED_PER_SWEEP = 200  # after an outage many may be overdue; others write between the sweeps
LONGEST_SECONDS = 1e11  # three thousand years; no date could hold the end of what is longer


class Limits(NamedTuple):
    """Those of one app, in seconds; 0 for none."""

    run_seconds: float
    wait_seconds: float
    life_seconds: float

    @classmethod
    def of(cls, app: App) -> Limits:
        return cls(
            conf.max_run_seconds if app.max_run_seconds is None else app.max_run_seconds,
            conf.max_wait_seconds if app.max_wait_seconds is None else app.max_wait_seconds,
            conf.max_life_seconds if app.max_life_seconds is None else app.max_life_seconds,
        )

    @property
    def wait_ends_at(self) -> datetime.datetime | None:
        """When a wait that begins now has lasted for too long."""
        return _ends_at(self.wait_seconds)

    @property
    def life_ends_at(self) -> datetime.datetime | None:
        """When a session that begins now has lasted for too long."""
        return _ends_at(self.life_seconds)

    def run_problem(self, busy_seconds: float) -> str:
        """What is wrong with a run that has not waited for so long; empty if nothing is."""
        if not 0 < self.run_seconds < busy_seconds:
            return ""
        return f"The app ran for longer than {self.run_seconds:g} s without a wait."


def _ends_at(seconds: float) -> datetime.datetime | None:
    if not 0 < seconds < LONGEST_SECONDS:
        return None
    return timezone.now() + datetime.timedelta(seconds=seconds)


class KnownLimits:
    """The limits of all apps as they were at the latest look. Any thread may ask for them."""

    def __init__(self) -> None:
        self._is_known = False
        self._default = Limits.of(App())
        self._of_app: dict[str, Limits] = {}

    def know(self) -> None:
        """Look them up, if nobody has yet."""
        if not self._is_known:
            self.look_up()

    def look_up(self) -> None:
        self._default = Limits.of(App())
        self._of_app = {app.id: Limits.of(app) for app in App.objects.limited()}
        self._is_known = True

    def of(self, app_id: str) -> Limits:
        return self._of_app.get(app_id, self._default)


def expirations() -> Iterator[Write]:
    """What ends the sessions that have waited or lasted for too long, if they still have: a sweep's worth."""
    now = timezone.now()
    columns = ("app_id", "wait_ends_at", "life_ends_at")
    for session in Session.objects.overdue_waits(now).only(*columns)[:EXPIRED_PER_SWEEP]:
        where: dict[str, Any] = {"status": Status.WAITING, "wait_ends_at": session.wait_ends_at}
        reason = f"The session waited for an answer until {_shown(session.wait_ends_at)}, its limit."
        yield expiration(session.id, session.app_id, where, reason)
    for session in Session.objects.overdue_lives(now).only(*columns)[:EXPIRED_PER_SWEEP]:
        where = {"status": LIVE, "life_ends_at": session.life_ends_at}
        reason = f"The session lasted until {_shown(session.life_ends_at)}, its limit."
        yield expiration(session.id, session.app_id, where, reason)


def _shown(time: datetime.datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
