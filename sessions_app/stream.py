"""The stream: the log read from a seq onwards, then followed through hints.

Whatever is lost or late on the way of the hints, the seqs tell, and the log fills in
(invariants 3 and 7). A stream costs no thread and no database connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import UUID

from sessions_app import log_reading
from sessions_app.authentication import Caller
from sessions_app.conf import conf
from sessions_app.database import briefly_in_database
from sessions_app.exceptions import SessionNotFound
from sessions_app.frames import HEARTBEAT, Segment, retry_frame, status_frame
from sessions_app.log_reading import Reading, Standing
from sessions_app.models import ENDED
from sessions_app.notifications import Feed, Subscription
from sessions_app.permissions import may_see

# Of one stream in the long run of a turn, and how many it may be ahead of that.
WRITES_PER_SECOND = 100
BURST_WRITES = 20


class SessionStream:
    """An asynchronous iterator over the bytes that one client gets.

    Made by `open_stream`. Not an async generator: an object's `close()` is called as soon as the
    client has gone, also while a slow client's write blocks.
    """

    def __init__(
        self, subscription: Subscription, reading: Reading, after: int | None, *, follow: bool
    ) -> None:
        self._feed = Feed.current()
        self._loop = asyncio.get_running_loop()
        self._subscription = subscription
        self._follow = follow
        self._seq = reading.after
        self._status: bytes = b""
        self._is_done = False
        self._is_behind = False
        self._chunks: list[bytes] = []
        self._writes = 0.0  # of late: what is not made up for by time
        self._paced = self._loop.time()
        self._untold: set[int] = set()  # retracts of what this stream has never shown
        # An ended session's last turn is shown to its end, though it may have paused before.
        self._stops_at_pause = not follow and not (after is None and reading.standing.status in ENDED)
        self._say_status(**_state(reading.standing))
        self._take_reading(reading)
        if not self._chunks and not self._is_done:
            self._chunks.append(HEARTBEAT)  # proxies pass the headers on with the first byte

    def __aiter__(self) -> SessionStream:
        return self

    async def __anext__(self) -> bytes:
        while not self._chunks:
            if self._is_done:
                raise StopAsyncIteration
            await self._gather()
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data

    def close(self) -> None:
        """Leave the session's group. Called from any thread, any number of times."""
        self._is_done = True
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self._subscription.wakeup.set()
        self._leaving = self._loop.create_task(self._feed.unsubscribe(self._subscription))

    async def _gather(self) -> None:
        """Wait for something to send, and put it into `_chunks`; a heartbeat if nothing comes."""
        if not self._is_behind and not await self._woken():
            self._chunks.append(HEARTBEAT)
            return
        if self._subscription.is_revoked:
            self._is_done = True
            return
        await self._pace()
        is_behind, hints = self._subscription.take()
        self._is_behind |= is_behind
        for hint in hints:
            if not self._is_behind and hint.last_seq >= self._seq:
                self._take(hint.segments)
                self._is_behind = self._seq < hint.last_seq  # there is a gap, or it came without frames
                if hint.state and not self._is_behind:
                    self._come_to(**hint.state)
        if self._is_behind and not self._is_done:
            await self._read_on()
        if self._feed.is_closing and not self._is_done:
            self._chunks.append(retry_frame())
            self._is_done = True

    async def _woken(self) -> bool:
        if self._subscription.wakeup.is_set():
            return True  # without a timer: under load this is so at most chunks
        try:
            async with asyncio.timeout(conf.heartbeat_seconds):
                await self._subscription.wakeup.wait()
        except TimeoutError:
            return False
        return True

    async def _pace(self) -> None:
        """Let what comes faster than anybody sees it come together: a write costs what a hundred events do.

        The first that a turn shows goes at once.
        """
        if self._is_behind:
            return  # a stretch of the log is much for one write
        if any(hint.state for hint in self._subscription.hints):
            self._writes = 0.0  # answered, or come to a wait
        now = self._loop.time()
        self._writes = max(0.0, self._writes - (now - self._paced) * WRITES_PER_SECOND) + 1
        self._paced = now
        if self._writes > BURST_WRITES:
            await asyncio.sleep((self._writes - BURST_WRITES) / WRITES_PER_SECOND)

    async def _read_on(self) -> None:
        reading = await self._feed.readings.read(self._subscription.session_id, self._seq)
        if reading is None:  # deleted
            self._is_done = True
        else:
            self._take_reading(reading)

    def _take_reading(self, reading: Reading) -> None:
        seq = self._seq
        self._untold |= {retract.seq for retract in reading.retracts if retract.first > reading.after}
        self._take(reading.segments)
        if reading.entries and self._seq == seq:
            self._is_done = True  # a log has no holes, unless it is being removed
            return
        self._is_behind = not reading.is_whole
        if reading.is_whole:
            self._subscription.heard(reading.standing.last_seq, reading.standing.status)
            self._come_to(**_state(reading.standing))

    def _take(self, stretch: Iterable[Segment]) -> None:
        """Send what of a stretch is new, as far as it joins what was sent."""
        for segment in stretch:
            if segment.first == self._seq + 1 and not self._is_done:
                self._seq = segment.last
                if (self._follow or not segment.follow_only) and segment.first not in self._untold:
                    self._chunks.append(segment.frames)
                self._is_done = segment.closes_turn and self._stops_at_pause

    def _come_to(self, status: str, pending: list[dict[str, Any]], divergence: Any) -> None:
        """So the session stands after what has been sent."""
        if status in ENDED:
            self._is_done = True  # nothing comes after exit, not even a status
        else:
            self._say_status(status, pending, divergence)

    def _say_status(self, status: str, pending: list[dict[str, Any]], divergence: Any) -> None:
        frame = status_frame(status, pending, divergence)
        if self._follow and frame != self._status:
            self._chunks.append(frame)
            self._status = frame


def _state(standing: Standing) -> dict[str, Any]:
    return {"status": standing.status, "pending": standing.pending, "divergence": standing.divergence}


async def open_stream(
    viewer: Caller, session_id: UUID, after: int | None, *, follow: bool
) -> SessionStream | None:
    """A stream of the session from after `after`, or from its current turn if None.

    Raises SessionNotFound, also where the viewer may not see it. None when `after` is at or past its exit.
    """
    feed = Feed.current()
    # First the group, then the log: what is committed in between comes as a hint.
    subscription = await feed.subscribe(session_id, viewer)
    try:
        reading = await briefly_in_database(log_reading.read, session_id, after, partial(may_see, viewer))
        if reading is None:
            raise SessionNotFound(session_id)
        standing = reading.standing
        if after is not None and after >= standing.last_seq and standing.status in ENDED:
            await feed.unsubscribe(subscription)
            return None
        return SessionStream(subscription, reading, after, follow=follow)
    except BaseException:
        await feed.unsubscribe(subscription)
        raise
