"""One run of an app, as the runner sees it: it delivers answers, parks it, stops it.

What the app does meanwhile is recorder.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from apps_app.dsl.runtime import Exited, Parked, SessionOver, Stopped
from apps_app.events import Event
from sessions_app.claim import Claim
from sessions_app.frames import Entry, Retract
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind
from sessions_app.printing import Prints
from sessions_app.question import Nap
from sessions_app.recorder import Clock, Recorder
from sessions_app.replay import MismatchError, Recording
from sessions_app.writes import NewEntry, Position


class Host(Clock, Protocol):
    """What a run needs of the runner that plays it."""

    def waits(self, run: Run) -> None:
        """The run waits, and the log says so; called in the writer's thread."""


class Run(Recorder):
    """A hot run."""

    def __init__(self, claim: Claim, writer: LogWriter, prints: Prints, host: Host) -> None:
        super().__init__(claim, writer, prints, host)
        self._host = host

    @property
    def is_alive(self) -> bool:
        """Whether the app's function still runs, over or not."""
        if self.task is not None:
            return not self.task.done()
        return self.thread is not None and self.thread.is_alive()

    def replay(self, recording: Recording) -> None:
        """Have what is recorded played again first; what a step was cut off in is taken back."""
        for seqs in recording.cut_off():
            self._record(NewEntry(Kind.RETRACT, Retract.payload(seqs)))
        self._recording = recording
        recording.own = self.branch

    def is_next(self, interaction: Entry) -> bool:
        """Whether nothing can have been recorded between what the run knows of and this interaction."""
        return interaction.seq == self.waiting.read_seq + 1

    def deliver(self, interactions: Sequence[Entry]) -> None:
        """Hand over recorded interactions that the run has not read yet, in order."""
        for interaction in interactions:
            if self.waiting.take(interaction):
                self._journal.begin_turn(len(interaction.payload))

    def park(self, settle: Callable[[bool, bool], None]) -> None:
        """Give the session up while it waits, and for nothing else: its app's function is unwound.

        `settle` is told whether that came to pass, and whether an answer came meanwhile.
        """
        if not self.waiting.begin_parking():
            return
        if self._steps.are_under_way:  # of a task of the app's: another may still begin, which is over then
            self.waiting.end_parking(is_parked=False)
            return

        def settled(outcome: Position | Exception) -> None:
            is_parked = not isinstance(outcome, Exception)
            has_missed = self.waiting.end_parking(is_parked=is_parked)
            if isinstance(nap := self.waiting.wait, Nap):
                self._set_alarm(nap)
            settle(is_parked, has_missed)

        self._journal.park(settled)

    def wake_if_due(self) -> None:
        """End a sleep whose time has come."""
        if isinstance(nap := self.waiting.wait, Nap) and nap.seconds_left <= 0:
            self._wake(nap)

    def stop(self) -> None:
        """The session goes on or has ended without this run: whatever it calls next raises Stopped."""
        self.waiting.leave(Stopped)

    def release(self) -> None:
        """Give the session up wherever it is: whoever takes it up next plays it on from its log."""
        self._journal.put(changes={"owner": ""}, waits=False)
        self.waiting.leave(Parked)

    def fail(self, exit_event: Event, failure: str) -> None:
        """End the session in the server's name; a run that is over already stays as it is."""
        with suppress(SessionOver):
            self._end(exit_event, failure)
        self.waiting.leave(Exited)

    def diverge(self, mismatch: MismatchError, failure: str) -> None:
        """Pause the session for a person, who may read the failure; a run that is over stays as it is."""
        with suppress(SessionOver):
            self._diverge(mismatch, failure)

    def _has_come_to_wait(self) -> None:
        self._host.waits(self)
