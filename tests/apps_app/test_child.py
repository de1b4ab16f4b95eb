"""A function that ends or hangs its process does so in a child."""

from __future__ import annotations

import os
import sys
import time

import pytest

from apps_app.child import ChildError, in_child

SECONDS = 20.0


def test_result_comes_back() -> None:
    assert in_child(sorted, "cab", SECONDS) == ["a", "b", "c"]


def test_large_result_comes_back() -> None:
    assert len(in_child("x".__mul__, 10_000_000, SECONDS)) == 10_000_000


@pytest.mark.parametrize(("end", "code"), [(os._exit, 3), (os._exit, 0), (sys.exit, 4)])
def test_child_that_ends(end, code: int) -> None:
    with pytest.raises(ChildError, match=f"exit code {code}"):
        in_child(end, code, SECONDS)


def test_child_that_hangs() -> None:
    with pytest.raises(ChildError, match=r"within 0\.1 s"):
        in_child(time.sleep, SECONDS, 0.1)
