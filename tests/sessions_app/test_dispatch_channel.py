"""Messages between processes: whole again, however the socket cuts them."""

from __future__ import annotations

import socket
import threading
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sessions_app.dispatch.channel import BlockingChannel, packed, unpacker

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
messages = st.lists(st.dictionaries(st.text(), values), max_size=5)


@settings(max_examples=60)
@given(messages, st.lists(st.integers(1, 40), max_size=20))
def test_messages_cut_anywhere_are_whole_again(sent: list[dict[str, Any]], cuts: list[int]) -> None:
    data = b"".join(map(packed, sent))
    incoming, received = unpacker(), []
    for size in [*cuts, len(data)]:
        incoming.feed(data[:size])
        received += list(incoming)
        data = data[size:]
    assert received == sent


def test_channel_gives_all_messages_until_the_other_end_closes() -> None:
    ours, theirs = socket.socketpair()
    sent = [{"do": "wake", "number": number, "frames": b"x" * 100_000} for number in range(20)]
    received: list[dict[str, Any]] = []
    reader = threading.Thread(target=lambda: received.extend(BlockingChannel(theirs).messages()))
    reader.start()
    with ours:
        channel = BlockingChannel(ours)
        senders = [threading.Thread(target=channel.send, args=(message,)) for message in sent]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    reader.join()
    theirs.close()
    assert sorted(received, key=lambda message: int(message["number"])) == sent
