"""The runner: takes up sessions, delivers answers, parks what waits for long, stops what is over.

Callers may be any thread.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from sessions_app import log_reading
from sessions_app.claim import Claim
from sessions_app.conf import conf
from sessions_app.database import UNAVAILABLE
from sessions_app.exits import expired_exit
from sessions_app.frames import Entry
from sessions_app.limits import KnownLimits, expirations
from sessions_app.log_writer import LogWriter
from sessions_app.models import PLAYABLE, Session, SessionQuerySet, Status
from sessions_app.player import Player, fail
from sessions_app.printing import Printer
from sessions_app.run import Run
from sessions_app.write_queue import WriterStoppedError
from sessions_app.writes import FencedError, Position, Write

log = logging.getLogger(__name__)

# Of a write: somebody else has the session, or the database takes nothing, as the writer has logged, and
# the next sweep tries again.
HARMLESS = (FencedError, *UNAVAILABLE)
TAKEN_PER_SWEEP = 200  # after an outage many may wait to be taken up; not all at the same moment


class Runner:
    """Plays sessions in this process. `loop` runs the async apps; `name` is the owner in the rows.

    One that `plays_suspects` plays no others, and keeps none that waits.
    """

    def __init__(
        self, name: str, writer: LogWriter, loop: asyncio.AbstractEventLoop, *, plays_suspects: bool = False
    ) -> None:
        self.name = name
        self._writer = writer
        self._loop = loop
        self._plays_suspects = plays_suspects
        self._player = Player(loop, self._forget)
        self._runs: dict[UUID, Run] = {}
        self._hot: dict[Run, float] = {}  # those that wait, and since when, the longest first
        self._stopped: dict[Run, float] = {}  # those that are over, and the time when they came to be
        self._strays: set[UUID] = set()
        self._unowned: set[UUID] | None = None
        self._printer = Printer(writer)
        self._limits = KnownLimits()
        self._is_ending = False

    # What the dispatch tells of.

    def advance(self, session_id: UUID, app_id: str, entry_point: str) -> None:
        """Claim a session, unless somebody has taken it up, and play it."""
        self._claim(Candidate(session_id, app_id, entry_point))

    def wake(self, session_id: UUID, interaction: Entry | None = None) -> None:
        """Deliver what was answered: this interaction if it is the next, else what the log has.

        A session that nobody holds is taken up.
        """
        run = self._runs.get(session_id)
        if run is None or run.over:
            self._resume(session_id)
            return
        if run.waiting.wait is None:
            return
        try:
            if interaction is not None and run.is_next(interaction):
                run.deliver([interaction])
            else:
                run.deliver(log_reading.read_interactions(session_id, run.waiting.read_seq))
        except (ValueError, LookupError):
            log.exception("Session %s has an interaction that does not answer its prompts.", session_id)
            fail(run, "LogError", "A recorded answer does not fit the prompts of this app.")
        if run.waiting.wait is None:
            self._hot.pop(run, None)

    def halt(self, session_id: UUID) -> None:
        """Stop a run whose session was ended or taken over by somebody else."""
        run = self._runs.get(session_id)
        if run is not None:
            self._halt(run)

    def sweep(self) -> None:
        """Find what lost messages and dead runners left behind; interrupt runs that ignore their stop."""
        self._expire()
        if not self._plays_suspects:
            self._take_up()
        runs = list(self._runs.items())  # before the rows: a run whose row is not ours now was ended
        owned = dict(Session.objects.owned_by(self.name).values_list("id", "status"))
        for session_id, run in runs:
            if run.over or session_id not in owned:
                self._halt(run)  # perhaps its app caught what should have ended it
            elif run.waiting.wait is not None and owned[session_id] == Status.RUNNING:
                self.wake(session_id)
            else:
                run.wake_if_due()
        self._release_strays(set(owned))
        self.park_idle(conf.hot_seconds)
        self._interrupt_stopped()
        self._printer.save()

    def release_all(self) -> None:
        """Give up every session, for the process ends: the next runner plays them on."""
        self._is_ending = True
        for run in list(self._runs.values()):
            run.release()

    def finish_printed(self) -> None:
        """Have written what the apps printed, all of it, before the writer stops."""
        self._printer.finish()

    # What a run tells of, as its `Host`.

    def waits(self, run: Run) -> None:
        self._hot.pop(run, None)  # it comes to the end
        self._hot[run] = time.monotonic()
        if run.waiting.wait is None:  # it went on in the meantime
            self._hot.pop(run, None)
        for oldest in list(self._hot)[: max(0, len(self._hot) - self._max_hot)]:
            self._park(oldest)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, call)

    def wait_ends_at(self, app_id: str) -> datetime.datetime | None:
        return self._limits.of(app_id).wait_ends_at

    # Too long.

    def _expire(self) -> None:
        """End what has run, waited or lasted for too long."""
        self._limits.look_up()
        for run in list(self._runs.values()):
            limits = self._limits.of(run.claim.app_id)
            if problem := limits.run_problem(run.waiting.busy_seconds):
                run.fail(expired_exit(run.claim.app_id, problem), "")
        if not self._plays_suspects:  # once a sweep of the server's is enough
            for write in expirations():
                self._writer.put(write, partial(self._expired, write.session_id), waits=False)

    def _expired(self, session_id: UUID, outcome: Position | Exception) -> None:
        if isinstance(outcome, Exception):
            log_refusal(outcome)
        else:
            self.halt(session_id)

    # Taking up.

    def _take_up(self) -> None:
        """Take up what nobody holds; what has just come to that has a message on its way."""
        unowned = Session.objects.unowned().filter(is_suspect=False).order_by("created_at")
        candidates = _candidates(unowned)
        for candidate in candidates:
            if self._unowned is None or candidate.session_id in self._unowned:
                self._claim(candidate)
        self._unowned = {candidate.session_id for candidate in candidates}
        for candidate in _candidates(Session.objects.awake(timezone.now()).filter(owner="")):
            self._claim(candidate, status=Status.WAITING, wake_at=candidate.wake_at)

    def _resume(self, session_id: UUID) -> None:
        for candidate in _candidates(Session.objects.unowned().filter(id=session_id)):
            self._claim(candidate)

    def _claim(self, candidate: Candidate, **state: Any) -> None:
        """Take a session up if it is still in this state, and nobody's."""
        self._limits.know()
        write = Write(
            candidate.session_id,
            where={"owner": "", "is_suspect": self._plays_suspects, **(state or {"status": PLAYABLE})},
            changes={"status": Status.RUNNING, "owner": self.name, "wake_at": None},
            raise_epoch=True,
        )
        self._writer.put(write, partial(self._claimed, candidate), waits=False)

    def _claimed(self, candidate: Candidate, outcome: Position | Exception) -> None:
        if isinstance(outcome, HARMLESS):
            return
        if isinstance(outcome, Exception):
            log.error(
                "Session %s could not be claimed: %s. The sweep tries again.", candidate.session_id, outcome
            )
            return
        if self._is_ending:
            self._give_up(candidate.session_id)
            return
        claim = Claim(
            candidate.session_id,
            candidate.app_id,
            candidate.entry_point,
            outcome,
            is_suspect=self._plays_suspects,
            code_hash=candidate.code_hash,
        )
        run = Run(claim, self._writer, self._printer.prints_of(claim.session_id), self)
        if (earlier := self._runs.get(claim.session_id)) is not None:
            self._halt(earlier)  # it is over, and has not come to its end yet
        self._runs[claim.session_id] = run
        self._player.start(run)

    # Letting go.

    @property
    def _max_hot(self) -> int:
        return 0 if self._plays_suspects else conf.hot_runs

    def park_idle(self, seconds: float) -> None:
        """Give up the sessions that have waited for so long."""
        for run, since in list(self._hot.items()):
            if time.monotonic() - since < seconds:
                return
            self._park(run)

    def _park(self, run: Run) -> None:
        run.park(partial(self._parked, run))

    def _parked(self, run: Run, is_parked: bool, has_missed: bool) -> None:
        if is_parked:
            self._forget(run)
            self._let_end(run)
        if has_missed or not is_parked:
            self.wake(run.session_id)

    def _forget(self, run: Run) -> None:
        self._remove(run)
        self._hot.pop(run, None)
        self._stopped.pop(run, None)

    def _remove(self, run: Run) -> None:
        if self._runs.get(run.session_id) is run:  # not the one that has come after it
            del self._runs[run.session_id]

    def _release_strays(self, owned: set[UUID]) -> None:
        """Give up sessions that are this runner's in the database, but that it has not run for two sweeps.

        Their run could not write its end, since the database refused it.
        """
        strays = owned - set(self._runs)
        for session_id in strays & self._strays:
            self._give_up(session_id)
        self._strays = strays

    def _give_up(self, session_id: UUID) -> None:
        write = Write(session_id, {"owner": self.name}, changes={"owner": ""}, raise_epoch=True)
        with suppress(WriterStoppedError):  # the process ends: then the server gives it up
            self._writer.put(write, log_refusal, waits=False)

    def _halt(self, run: Run) -> None:
        self._remove(run)
        run.stop()
        self._let_end(run)
        self._player.cancel(run)

    def _let_end(self, run: Run) -> None:
        """A run that is over is to come to its end by itself, for a while."""
        self._stopped[run] = time.monotonic()

    def _interrupt_stopped(self) -> None:
        """Interrupt runs that go on although they are over, and have had their time to end."""
        for run, since in list(self._stopped.items()):
            if not run.is_alive:
                self._stopped.pop(run, None)
            elif time.monotonic() - since >= conf.stop_grace_seconds:
                self._player.interrupt(run)


class Candidate(NamedTuple):
    """A session that may be taken up, and what playing it needs."""

    session_id: UUID
    app_id: str
    entry_point: str
    code_hash: str = ""
    wake_at: datetime.datetime | None = None


def _candidates(sessions: SessionQuerySet) -> list[Candidate]:
    rows = sessions.values_list("id", "app_id", "app__entry_point", "code_hash", "wake_at")
    return [Candidate(*row) for row in rows[:TAKEN_PER_SWEEP]]


def log_refusal(outcome: Position | Exception) -> None:
    """What to do with a write that nobody waits for: what is harmless is left, the rest is logged."""
    if isinstance(outcome, Exception) and not isinstance(outcome, HARMLESS):
        log.error("A session could not be given up or ended; the next sweep tries again: %s", outcome)
