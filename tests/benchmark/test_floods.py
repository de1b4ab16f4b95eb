"""What a reader got, held against the log."""

from __future__ import annotations

import pytest

from tests.benchmark.floods import compared

A, B, C = (b"id: %d\ndata: {}" % seq for seq in (1, 2, 4))


@pytest.mark.parametrize(
    ("read", "found"),
    [
        ([A, B, C], {}),
        ([A, C], {"lost": 1}),
        ([A, B, B, C], {"twice": 1}),
        ([B, A, C], {"out of order": 1}),
        ([A, B, C, b"id: 4\ndata: {1}"], {"not in the log": 1}),
        ([], {"lost": 3}),
    ],
)
def test_differences_are_counted(read: list[bytes], found: dict[str, int]) -> None:
    assert +compared([A, B, C], read) == found
