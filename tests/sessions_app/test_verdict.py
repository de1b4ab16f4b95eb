"""The words for a verdict: what they count, and that they come to an end."""

from __future__ import annotations

from uuid import UUID

import pytest

from sessions_app.checked_recording import Difference
from sessions_app.replay import Account
from sessions_app.verdict import MAX_FAILURE, MAX_LINE, Verdict, described

SESSION_ID = UUID(int=7)
EVENT = {"kind": "event", "block_type": "markdown", "block_id": "markdown-2", "chunk_id": 3, "app": "a.b"}


def test_differences_that_are_left_out_are_counted() -> None:
    difference = Difference(3, "markdown-1", {"content": ("'a'", "'b'")})
    lines = list(Verdict(SESSION_ID, 9, None, differences=[difference], differing=3).lines())
    assert lines == [
        f"{SESSION_ID}  matches (9 entries, 3 with other data)",
        "  entry 3, markdown-1: content 'a' is now 'b'",
        "  ... and 2 more with other data",
    ]


def test_long_texts_are_cut() -> None:
    attempted = {"kind": "load", "error": "no\n" * MAX_LINE}
    divergence = {"seq": 1, "recorded": None, "attempted": attempted}
    _, place, line, *traceback = Verdict(SESSION_ID, 1, divergence, failure="x" * 9999).lines()
    assert place == "  entry 1:"
    assert line.startswith("    attempted: no no")
    assert len(line) <= len("    attempted: ") + MAX_LINE
    assert traceback == [f"      {'x' * MAX_FAILURE}"]


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (EVENT | {"parent_block_id": None}, "markdown-2, chunk 3, of a.b"),
        (EVENT | {"parent_block_id": "form-1"}, "markdown-2, chunk 3, inside form-1, of a.b"),
        ({"kind": "step", "key": "0.1", "name": "pay"}, "step 0.1, pay"),
        ({"kind": "interaction", "block_id": "slider-1"}, "an answer to slider-1"),
        ({"kind": "question", "block_ids": ["slider-1", "date-1"]}, "a question that asks slider-1, date-1"),
        ({"kind": "nothing", "seconds": 60.0}, "nothing more within 60 s"),
        ({"kind": "load", "error": "a.b: gone"}, "a.b: gone"),
        (EVENT | {"parent_block_id": None, "exit_code": 3, "reason": "no"}, "exit of a.b with code 3: no"),
    ],
)
def test_account_in_words(account: Account, words: str) -> None:
    assert described(account) == words
