"""Hints on their way to streams, and what finds those that were lost."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import msgpack
import pytest
from channels.layers import get_channel_layer
from hypothesis import given
from hypothesis import strategies as st

from sessions_app import notifications
from sessions_app.channel_layer import LocalChannelLayer
from sessions_app.database import in_database
from sessions_app.frames import Segment
from sessions_app.models import Session, Status
from sessions_app.notifications import Feed, Subscription, announce, from_message, group_name, to_message
from sessions_app.writes import Hint
from tests.sessions_app.asgi_client import SECONDS
from tests.sessions_app.playing import ANYBODY

seqs = st.integers(0, 2**40)
states = st.none() | st.fixed_dictionaries(
    {
        "status": st.sampled_from(Status.values),
        "pending": st.lists(st.fixed_dictionaries({"block_id": st.text(), "min_value": st.floats(-9, 9)})),
        "divergence": st.none() | st.fixed_dictionaries({"seq": seqs}),
    }
)
hints = st.builds(
    Hint,
    st.uuids(),
    seqs,
    seqs,
    st.lists(st.builds(Segment, seqs, seqs, st.booleans(), st.booleans(), st.binary())),
    states,
)

KEY = uuid.UUID(int=7)


def hint(after: int = 0, last_seq: int = 1, frames: bytes = b"x", status: str | None = None) -> Hint:
    state: dict[str, Any] | None = {"status": status, "pending": [], "divergence": None} if status else None
    return Hint(KEY, after, last_seq, [Segment(after + 1, last_seq, False, False, frames)], state)


@given(hints)
def test_message_carries_the_whole_hint(sent: Hint) -> None:
    """Also through msgpack, as it goes between processes and through Redis."""
    message = to_message(sent)
    assert from_message(message) == sent
    assert from_message(msgpack.unpackb(msgpack.packb(message))) == sent
    assert isinstance(message["type"], str)


@given(st.uuids())
def test_group_name_is_valid(session_id: uuid.UUID) -> None:
    assert LocalChannelLayer().require_valid_group_name(group_name(session_id))


# A stream's inbox.


async def test_inbox_gives_each_hint_once() -> None:
    subscription = Subscription(KEY, ANYBODY)
    first, second = hint(0, 1), hint(1, 2)
    subscription.offer(first)
    subscription.offer(second)
    assert subscription.wakeup.is_set()
    assert subscription.take() == (False, [first, second])
    assert not subscription.wakeup.is_set()
    assert subscription.take() == (False, [])


async def test_inbox_that_overflows_is_thrown_away(settings: Any) -> None:
    settings.YERA_STREAM_BUFFER_BYTES = 10
    subscription = Subscription(KEY, ANYBODY)
    subscription.offer(hint(0, 1, b"12345"))
    subscription.offer(hint(1, 2, b"123456"))
    subscription.offer(hint(2, 3, b"1"))
    assert subscription.take() == (True, [])
    subscription.offer(hint(3, 4, b"1234567890"))
    assert subscription.take() == (False, [hint(3, 4, b"1234567890")])


@pytest.mark.parametrize(
    ("last_seq", "status", "has_missed"),
    [(4, "running", False), (5, "waiting", False), (5, "running", True), (6, "waiting", True)],
)
async def test_what_is_further_than_the_hints_was_missed(
    last_seq: int, status: str, has_missed: bool
) -> None:
    subscription = Subscription(KEY, ANYBODY)
    subscription.offer(hint(0, 5, status="waiting"))
    assert subscription.has_missed(last_seq, status) == has_missed


async def test_what_the_log_told_was_not_missed() -> None:
    subscription = Subscription(KEY, ANYBODY)
    assert subscription.has_missed(5, "waiting")
    subscription.heard(5, "waiting")
    subscription.heard(3, "running")
    assert not subscription.has_missed(5, "waiting")


# Over the layer.


async def heard(subscription: Subscription) -> tuple[bool, list[Hint]]:
    async with asyncio.timeout(SECONDS):
        await subscription.wakeup.wait()
    return subscription.take()


async def test_all_who_follow_a_session_hear_of_it(database: None) -> None:
    feed = Feed.current()
    followers = [await feed.subscribe(KEY, ANYBODY) for _ in range(3)]
    other = await feed.subscribe(uuid.uuid4(), ANYBODY)
    await announce(to_message(hint()))
    for follower in followers:
        assert await heard(follower) == (False, [hint()])
    assert other.take() == (False, [])


async def test_group_is_left_with_the_last_stream(database: None) -> None:
    feed = Feed.current()
    first, second = await feed.subscribe(KEY, ANYBODY), await feed.subscribe(KEY, ANYBODY)
    await feed.unsubscribe(first)
    await announce(to_message(hint()))
    assert await heard(second) == (False, [hint()])
    assert first.take() == (False, [])
    await feed.unsubscribe(second)
    await feed.unsubscribe(second)
    assert get_channel_layer().groups == {}
    again = await feed.subscribe(KEY, ANYBODY)
    await announce(to_message(hint()))
    assert await heard(again) == (False, [hint()])


async def test_poll_finds_what_no_hint_told_of(
    database: None, new_session: Callable[..., Session], settings: Any
) -> None:
    settings.YERA_POLL_SECONDS = 0.01
    session = await in_database(new_session)
    subscription = await Feed.current().subscribe(session.id, ANYBODY)
    subscription.heard(0, Status.CREATED)
    changes = Session.objects.filter(id=session.id)
    await in_database(changes.update, last_seq=1)
    assert await heard(subscription) == (True, [])
    subscription.heard(1, Status.CREATED)
    await in_database(changes.update, status=Status.RUNNING)
    assert await heard(subscription) == (True, [])


async def test_poll_wakes_nobody_without_need(
    database: None, new_session: Callable[..., Session], settings: Any
) -> None:
    settings.YERA_POLL_SECONDS = 0.01
    still, moving = await in_database(new_session), await in_database(new_session)
    feed = Feed.current()
    untouched, woken = await feed.subscribe(still.id, ANYBODY), await feed.subscribe(moving.id, ANYBODY)
    untouched.heard(0, Status.CREATED)
    woken.heard(0, Status.CREATED)
    await in_database(Session.objects.filter(id=moving.id).update, last_seq=1)
    await heard(woken)
    assert not untouched.wakeup.is_set()


async def test_hint_that_is_under_way_is_not_lost(
    database: None, new_session: Callable[..., Session], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The poll sees the commit before its hint has come."""
    monkeypatch.setattr(notifications, "UNDER_WAY_SECONDS", SECONDS)
    settings.YERA_POLL_SECONDS = 0.01
    polled = asyncio.Event()
    loop = asyncio.get_running_loop()
    looked_up = notifications._standings

    def look_up(ids: Iterable[uuid.UUID]) -> Any:
        loop.call_soon_threadsafe(polled.set)
        return looked_up(ids)

    monkeypatch.setattr(notifications, "_standings", look_up)
    session = await in_database(lambda: new_session(last_seq=1))
    subscription = await Feed.current().subscribe(session.id, ANYBODY)
    await asyncio.wait_for(polled.wait(), SECONDS)
    assert not subscription.wakeup.is_set()
    await announce(to_message(replace(hint(), session_id=session.id)))
    is_behind, (heard_of,) = await heard(subscription)
    assert (is_behind, heard_of.last_seq) == (False, 1)


class DeafLayer(LocalChannelLayer):
    """Fails at whatever it is asked to carry."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        raise ConnectionError("no layer")

    async def receive(self, channel: str) -> dict[str, Any]:
        raise ConnectionError("no layer")


async def test_layer_that_fails_costs_latency_only(
    database: None, new_session: Callable[..., Session], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": f"{__name__}.DeafLayer"}}
    settings.YERA_POLL_SECONDS = 0.01
    session = await in_database(new_session)
    subscription = await Feed.current().subscribe(session.id, ANYBODY)
    subscription.heard(0, Status.CREATED)
    await announce(to_message(hint()))
    assert "took no hint" in caplog.text
    await in_database(Session.objects.filter(id=session.id).update, last_seq=1)
    assert await heard(subscription) == (True, [])
    assert "gives no hints" in caplog.text


async def test_closing_feed_wakes_every_stream(database: None) -> None:
    feed = Feed.current()
    before = await feed.subscribe(KEY, ANYBODY)
    feed.close()
    after = await feed.subscribe(KEY, ANYBODY)
    assert (before.wakeup.is_set(), after.wakeup.is_set()) == (True, True)
