"""Framing: the exact bytes, and how entries gather into segments."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions_app.frames import Entry, Segment, frame, retry_frame, segments, status_frame
from sessions_app.models import Kind

FIRST = 5

entries = st.lists(
    st.builds(
        Entry,
        seq=st.just(0),
        kind=st.sampled_from(Kind.values),
        closes_turn=st.booleans(),
        payload=st.sampled_from([b"{}", b'{"a": 1}', '"ü"'.encode()]),
    ),
    max_size=12,
).map(lambda made: [entry._replace(seq=seq) for seq, entry in enumerate(made, FIRST)])


@pytest.mark.parametrize(
    ("kind", "frames"),
    [
        (Kind.EVENT, b'id: 7\ndata: {"a":"\xc3\xbc"}\n\n'),
        (Kind.INTERACTION, b'event: interaction\nid: 7\ndata: {"a":"\xc3\xbc"}\n\n'),
        (Kind.RETRACT, b'event: retract\nid: 7\ndata: {"a":"\xc3\xbc"}\n\n'),
        (Kind.STEP, b""),
    ],
)
def test_frame(kind: Kind, frames: bytes) -> None:
    assert frame(7, kind, '{"a":"ü"}'.encode()) == frames


def test_status_frame_has_no_id_and_shows_no_limits() -> None:
    prompt = {"block_id": "slider-1", "block_type": "slider", "layouts": [], "max_value": 3.0}
    assert status_frame("waiting", [prompt], None) == (
        b"event: status\n"
        b'data: {"status":"waiting","pending":[{"block_id":"slider-1","block_type":"slider"}],'
        b'"divergence":null}\n\n'
    )


def test_retry_frame_spreads_the_clients() -> None:
    pauses = {json.loads(retry_frame().removeprefix(b"retry: ")) for _ in range(100)}
    assert len(pauses) > 10
    assert 200 <= min(pauses) <= max(pauses) <= 2000


@given(entries)
def test_segments_are_the_entries(made: list[Entry]) -> None:
    """In both modes, all frames in order, every seq in just one segment, and as few as can be."""
    found = segments(FIRST, made)
    assert b"".join(segment.frames for segment in found) == b"".join(map(framed, made))
    shown_in_turn_mode = [entry for entry in made if entry.kind in (Kind.EVENT, Kind.STEP)]
    assert b"".join(segment.frames for segment in found if not segment.follow_only) == b"".join(
        map(framed, shown_in_turn_mode)
    )
    spans = [range(segment.first, segment.last + 1) for segment in found]
    assert list(itertools.chain(*spans)) == [entry.seq for entry in made]
    assert not any(map(could_be_one, found, found[1:]))


def framed(entry: Entry) -> bytes:
    return frame(entry.seq, entry.kind, entry.payload)


def could_be_one(first: Segment, second: Segment) -> bool:
    return not (first.follow_only or second.follow_only or first.closes_turn)


@given(entries)
def test_segment_ends_where_a_turn_does(made: list[Entry]) -> None:
    closing = [entry.seq for entry in made if entry.closes_turn and entry.kind in (Kind.EVENT, Kind.STEP)]
    assert [segment.last for segment in segments(FIRST, made) if segment.closes_turn] == closing
