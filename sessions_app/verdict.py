"""What came of a verification, and the words for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any
from uuid import UUID

from sessions_app.checked_recording import Difference
from sessions_app.replay import Account

MAX_LINE = 200  # characters of what was recorded or attempted
MAX_FAILURE = 2000  # characters of a traceback, the last ones


@dataclass(frozen=True)
class Verdict:
    """`entries` is the length of the log; `differing` how many events have other data, `differences` some.

    `divergence` as in `Session.divergence`, None where the app did all that is recorded.
    """

    session_id: UUID
    entries: int
    divergence: dict[str, Any] | None
    failure: str = ""
    differences: list[Difference] = field(default_factory=list)
    differing: int = 0
    has_other_code: bool = False

    @property
    def matches(self) -> bool:
        return self.divergence is None

    def lines(self) -> Iterator[str]:
        """The verdict in words, a headline first."""
        counts = f"{self.entries} entries"
        if self.differing:
            counts += f", {self.differing} with other data"
        if self.has_other_code:
            counts += ", the app's file has changed"
        yield f"{self.session_id}  {'matches' if self.matches else 'does not match'} ({counts})"
        yield from (f"  {difference}" for difference in self.differences)
        if self.differing > len(self.differences):
            yield f"  ... and {self.differing - len(self.differences)} more with other data"
        if self.divergence is not None:
            yield from _mismatch_lines(**self.divergence)
            yield from (f"      {line}" for line in self.failure[-MAX_FAILURE:].splitlines())


def _mismatch_lines(seq: int, recorded: Account | None, attempted: Account | None) -> Iterator[str]:
    yield f"  entry {seq}:"
    if recorded is not None:
        yield f"    recorded:  {_shortened(described(recorded))}"
    if attempted is not None:
        yield f"    attempted: {_shortened(described(attempted))}"


def _shortened(text: str) -> str:
    return shorten(text, MAX_LINE, placeholder=" …")


def described(account: Account) -> str:
    """What was recorded or attempted, in a few words."""
    match account:
        case {"kind": "event", "exit_code": exit_code, "reason": reason, "app": app}:
            return f"exit of {app} with code {exit_code}: {reason}"
        case {"kind": "event"}:
            inside = f", inside {account['parent_block_id']}" if account["parent_block_id"] else ""
            return f"{account['block_id']}, chunk {account['chunk_id']}{inside}, of {account['app']}"
        case {"kind": "step", "key": key, "name": name}:
            return f"step {key}, {name}"
        case {"kind": "interaction", "block_id": block_id}:
            return f"an answer to {block_id}"
        case {"kind": "question", "block_ids": block_ids}:
            return f"a question that asks {', '.join(block_ids)}"
        case {"kind": "nothing", "seconds": seconds}:
            return f"nothing more within {seconds:g} s"
        case _:
            return str(account.get("error", account))
