"""Hints over the channel layer: one group a session, one channel a process, fan-out to local streams.

A hint may be lost, doubled or late without harm (invariant 7): whoever reads one checks its
seqs, and the poll finds what no hint told of.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.core.exceptions import ImproperlyConfigured

from sessions_app.access_watch import end_unauthorised
from sessions_app.authentication import Caller
from sessions_app.conf import conf
from sessions_app.database import in_database
from sessions_app.frames import Segment
from sessions_app.models import Session
from sessions_app.shared_readings import SharedReadings
from sessions_app.writes import Hint

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
LAYER_SECONDS = 2.0
POLL_SESSIONS = 500  # ids in one query; SQLite takes some thousand parameters
UNDER_WAY_SECONDS = 0.1  # what was committed just before the look has its hint by then, or it is lost


def group_name(session_id: UUID) -> str:
    """The channel-layer group of a session's hints."""
    return f"session.{session_id.hex}"


def to_message(hint: Hint) -> dict[str, Any]:
    """A hint as any channel layer carries it."""
    return {
        "type": "session.hint",
        "session": hint.session_id.hex,
        "after": hint.after,
        "last_seq": hint.last_seq,
        "segments": [[s.first, s.last, s.follow_only, s.closes_turn, s.frames] for s in hint.segments],
        "state": hint.state,
    }


def from_message(message: dict[str, Any]) -> Hint:
    return Hint(
        UUID(hex=message["session"]),
        message["after"],
        message["last_seq"],
        [Segment(*segment) for segment in message["segments"]],
        message["state"],
    )


async def announce(message: dict[str, Any]) -> None:
    """Send a hint's message to its session's group; a layer that fails costs latency only."""
    try:
        await _layer().group_send(f"session.{message['session']}", message)
    except Exception:
        log.exception(
            "The channel layer took no hint of session %s; streams read the log.", message["session"]
        )


async def check_layer() -> None:
    """Send a message through the layer and get it back; raises what the layer raises, or TimeoutError."""
    channel = await _layer().new_channel()
    async with asyncio.timeout(LAYER_SECONDS):
        await _layer().send(channel, {"type": "session.check"})
        await _layer().receive(channel)


class Subscription:
    """One stream's inbox of hints, bounded in bytes; `behind` says that only the log knows the rest."""

    def __init__(self, session_id: UUID, viewer: Caller) -> None:
        self.session_id = session_id
        self.viewer = viewer
        self.is_revoked = False
        self.hints: deque[Hint] = deque()
        self.behind = False
        self.wakeup = asyncio.Event()
        self.heard_seq = 0
        self.heard_status = ""
        self._size = 0

    def offer(self, hint: Hint) -> None:
        self.heard_seq = max(self.heard_seq, hint.last_seq)
        if hint.state:
            self.heard_status = hint.state["status"]
        self._size += hint.size
        if self._size > conf.stream_buffer_bytes:
            self.fall_behind()
        elif not self.behind:
            self.hints.append(hint)
        self.wakeup.set()

    def heard(self, last_seq: int, status: str) -> None:
        """The stream has read this much from the log itself."""
        if last_seq >= self.heard_seq:
            self.heard_seq, self.heard_status = last_seq, status

    def has_missed(self, last_seq: int, status: str) -> bool:
        """Whether the session is further than what was heard of it."""
        return last_seq > self.heard_seq or (last_seq == self.heard_seq and status != self.heard_status)

    def fall_behind(self) -> None:
        """Throw the inbox away: the reader goes to the log."""
        self.behind = True
        self.hints.clear()
        self._size = 0
        self.wakeup.set()

    def revoke(self) -> None:
        """Its viewer may not see the session any more."""
        self.is_revoked = True
        self.fall_behind()

    def take(self) -> tuple[bool, list[Hint]]:
        """Whether the reader must go to the log, and the hints; the inbox is empty then."""
        taken = self.behind, list(self.hints)
        self.behind = False
        self.hints.clear()
        self._size = 0
        self.wakeup.clear()
        return taken


class Feed:
    """This event loop's ear on the sessions that its streams follow."""

    _feeds: WeakKeyDictionary[asyncio.AbstractEventLoop, Feed] = WeakKeyDictionary()

    @classmethod
    def current(cls) -> Feed:
        """The feed of the running event loop."""
        loop = asyncio.get_running_loop()
        if loop not in cls._feeds:
            cls._feeds[loop] = cls()
        return cls._feeds[loop]

    def __init__(self) -> None:
        self._subscriptions: dict[UUID, set[Subscription]] = {}
        self._channel = ""
        self._tasks: list[asyncio.Task[None]] = []
        self.readings = SharedReadings()
        self.is_closing = False

    async def subscribe(self, session_id: UUID, viewer: Caller) -> Subscription:
        """From now on the subscription hears every hint of the session."""
        await self._start()
        subscription = Subscription(session_id, viewer)
        if self.is_closing:
            subscription.wakeup.set()
        self._subscriptions.setdefault(session_id, set()).add(subscription)
        # For each stream, although one membership serves all: no stream may read the log before it holds.
        try:
            await _layer().group_add(group_name(session_id), self._channel)
        except BaseException:
            await self.unsubscribe(subscription)
            raise
        return subscription

    async def unsubscribe(self, subscription: Subscription) -> None:
        streams = self._subscriptions.get(subscription.session_id, set())
        streams.discard(subscription)
        if not streams and self._subscriptions.pop(subscription.session_id, None) is not None:
            await _layer().group_discard(group_name(subscription.session_id), self._channel)
            if subscription.session_id in self._subscriptions:  # somebody came in the meantime
                await _layer().group_add(group_name(subscription.session_id), self._channel)

    def close(self) -> None:
        """The server stops: every stream is woken to say so to its client."""
        self.is_closing = True
        for subscription in self._all():
            subscription.wakeup.set()

    def _all(self) -> list[Subscription]:
        return [subscription for streams in self._subscriptions.values() for subscription in streams]

    async def _start(self) -> None:
        if not self._channel:
            self._channel = await _layer().new_channel()
        if not self._tasks:
            loops = (self._listen(), self._poll(), self._watch_access())
            self._tasks = [asyncio.create_task(each) for each in loops]

    async def _listen(self) -> None:
        while True:
            try:
                hint = from_message(await _layer().receive(self._channel))
            except Exception:
                log.exception("The channel layer gives no hints; streams read the log until it does.")
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for subscription in self._subscriptions.get(hint.session_id, ()):
                subscription.offer(hint)

    async def _poll(self) -> None:
        while interval := conf.poll_seconds:
            await asyncio.sleep(interval)
            try:
                await self._look_up()
            except Exception:
                log.exception("Could not look up the followed sessions; trying again.")

    async def _watch_access(self) -> None:
        while True:
            await asyncio.sleep(conf.access_check_seconds)
            try:
                await end_unauthorised(self._all())
            except Exception:
                log.exception("Could not look up who watches; trying again.")

    async def _look_up(self) -> None:
        """Send those streams to the log whose session has gone further than any hint said."""
        ids = list(self._subscriptions)
        for start in range(0, len(ids), POLL_SESSIONS):
            standings = await in_database(_standings, ids[start : start + POLL_SESSIONS])
            await asyncio.sleep(UNDER_WAY_SECONDS)
            for session_id, last_seq, status in standings:
                for subscription in self._subscriptions.get(session_id, ()):
                    if subscription.has_missed(last_seq, status):
                        subscription.fall_behind()


def _standings(session_ids: Iterable[UUID]) -> list[tuple[UUID, int, str]]:
    return list(Session.objects.filter(id__in=session_ids).values_list("id", "last_seq", "status"))


def _layer() -> Any:
    layer = get_channel_layer()
    if layer is None:
        raise ImproperlyConfigured("CHANNEL_LAYERS has no default layer; streams need one.")
    return layer
