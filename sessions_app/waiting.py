"""What a run waits for, and whether it is over: between the app, which waits, and the runner around it."""

from __future__ import annotations

import threading
import time

from apps_app.dsl.runtime import Parked, SessionOver
from sessions_app.frames import Entry
from sessions_app.question import Nap, Question

Wait = Question | Nap


class Waiting:
    """The state of one run. Any thread may call it.

    `read_seq`: interactions up to there are no answers any more. `busy_since`: by the monotonic
    clock, since when the app has been running.
    """

    def __init__(self, read_seq: int) -> None:
        self.read_seq = read_seq
        self.busy_since = time.monotonic()
        self._lock = threading.Lock()
        self._over: type[SessionOver] | None = None
        self._wait: Wait | None = None
        self._is_parking = self._has_missed = False

    @property
    def over(self) -> type[SessionOver] | None:
        return self._over

    @property
    def wait(self) -> Wait | None:
        return self._wait

    @property
    def busy_seconds(self) -> float:
        """How long the app has been running since it last waited; 0 while it waits."""
        with self._lock:
            return 0.0 if self._wait is not None else time.monotonic() - self.busy_since

    def check_over(self) -> None:
        if self._over is not None:
            raise self._over

    def begin(self, wait: Wait) -> None:
        """From here on the app waits for this; raises SessionOver for a run that is over by now."""
        with self._lock:
            self.check_over()
            self._wait = wait

    def end(self, over: type[SessionOver]) -> None:
        """The app itself ends the run; raises SessionOver if somebody else did already."""
        with self._lock:
            self.check_over()
            self._over = over

    def leave(self, over: type[SessionOver]) -> None:
        """Whatever the app calls next raises this, and so does what it waits for."""
        with self._lock:
            self._over = self._over or over
            wait, self._wait = self._wait, None
        if wait is not None:
            wait.end(self._over())

    def take(self, interaction: Entry) -> bool:
        """Read an interaction that nobody has read yet; False where it is left to whoever reads the log."""
        with self._lock:
            question = self._wait
            if not isinstance(question, Question) or interaction.seq <= self.read_seq:
                return False
            if self._is_parking:
                self._has_missed = True
                return False
            self.read_seq = interaction.seq
            if question.take(interaction):
                self._go_on()
        if not question.missing:
            question.future.set_result(question.answers)
        return True

    def wake(self, nap: Nap) -> bool:
        """The nap is over: whether the run still takes it, and whoever calls may then settle its future."""
        with self._lock:
            if self._wait is not nap or self._is_parking:
                return False
            self._go_on()
        return True

    def begin_parking(self) -> bool:
        """Hold what the run waits for, while its session is given up; False if it does not wait."""
        with self._lock:
            if self._wait is None or self._is_parking:
                return False
            self._is_parking, self._has_missed = True, False
        return True

    def end_parking(self, *, is_parked: bool) -> bool:
        """Whether something was missed meanwhile: an answer."""
        with self._lock:
            self._is_parking = False
        if is_parked:
            self.leave(Parked)
        return self._has_missed

    def _go_on(self) -> None:
        self._wait = None
        self.busy_since = time.monotonic()
