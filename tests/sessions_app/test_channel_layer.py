"""The channel layer of one process: delivers at most once, drops when full, leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sessions_app import channel_layer
from sessions_app.channel_layer import LocalChannelLayer


async def members(layer: LocalChannelLayer, group: str, count: int) -> list[str]:
    channels = [await layer.new_channel() for _ in range(count)]
    for channel in channels:
        await layer.group_add(group, channel)
    return channels


async def received(layer: LocalChannelLayer, channel: str) -> list[Any]:
    """What there is to receive right now."""
    found = []
    while True:
        try:
            async with asyncio.timeout(0):
                found.append(await layer.receive(channel))
        except TimeoutError:
            return found


async def test_members_get_a_groups_messages_in_order() -> None:
    layer = LocalChannelLayer()
    inside = await members(layer, "a", 2)
    (outside,) = await members(layer, "b", 1)
    messages = [{"number": number} for number in range(5)]
    for message in messages:
        await layer.group_send("a", message)
    assert [await received(layer, channel) for channel in inside] == [messages, messages]
    assert await received(layer, outside) == []


async def test_message_is_not_copied() -> None:
    """A hint is never changed once it is sent."""
    layer = LocalChannelLayer()
    channels = await members(layer, "a", 2)
    message = {"frames": b"x"}
    await layer.group_send("a", message)
    for channel in channels:
        assert await layer.receive(channel) is message


async def test_full_channel_drops_and_others_do_not() -> None:
    layer = LocalChannelLayer(capacity=3)
    slow, fast = await members(layer, "a", 2)
    for number in range(5):
        await layer.group_send("a", {"number": number})
        assert await received(layer, fast) == [{"number": number}]
    assert await received(layer, slow) == [{"number": 0}, {"number": 1}, {"number": 2}]


async def test_who_has_left_gets_nothing() -> None:
    layer = LocalChannelLayer()
    (channel,) = await members(layer, "a", 1)
    await layer.group_discard("a", channel)
    await layer.group_send("a", {})
    assert await received(layer, channel) == []
    assert (layer.groups, layer.channels) == ({}, {})


async def test_group_name_is_checked() -> None:
    with pytest.raises(TypeError):
        await LocalChannelLayer().group_send("not a name", {})


async def test_what_nobody_receives_is_cleaned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = LocalChannelLayer(expiry=-1)  # a message has expired as soon as it is sent
    dead, alive = await members(layer, "a", 2)
    await layer.group_send("a", {})
    await received(layer, alive)
    assert dead in layer.channels, "it is not looked for on each message"
    monkeypatch.setattr(channel_layer, "CLEAN_SECONDS", 0)
    await received(layer, "another")
    assert dead not in layer.channels
