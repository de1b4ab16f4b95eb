"""The outbox of hints: in order, never in the writer's way, and never a hole in what it tells."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions_app.dispatch.hint_outbox import QUEUED_BYTES, HintOutbox
from sessions_app.frames import Segment
from sessions_app.notifications import from_message
from sessions_app.writes import Hint
from tests.deadline import until

SECONDS = 20.0
SESSIONS = [UUID(int=number) for number in range(3)]
ONE, OTHER, THIRD = SESSIONS
LARGE = bytes(QUEUED_BYTES // 8)
RUNNING: dict[str, Any] = {"status": "running", "pending": [], "divergence": None}
WAITING = {**RUNNING, "status": "waiting"}


class Commits:
    """Hints as the log gives them: each of a session begins where its last one ended."""

    def __init__(self) -> None:
        self.last_seqs: defaultdict[UUID, int] = defaultdict(int)

    def hint(
        self, session_id: UUID, frames: bytes = b"", entries: int = 1, state: dict[str, Any] | None = None
    ) -> Hint:
        after = self.last_seqs[session_id]
        last = self.last_seqs[session_id] = after + entries
        shown = [Segment(after + 1, last, False, False, frames)] if entries else []
        return Hint(session_id, after, last, shown, state)


class SlowWeb:
    """The web process's end: takes a hint when it may."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self.stalled = threading.Event()
        self.may_take = threading.Event()

    def send(self, message: dict[str, Any]) -> None:
        assert message["is"] == "hint"
        self.stalled.set()
        assert self.may_take.wait(SECONDS)
        self.hints.append(from_message(message["hint"]))


@pytest.fixture
def web() -> Iterator[SlowWeb]:
    web = SlowWeb()
    yield web
    web.may_take.set()


@pytest.fixture
def commits() -> Commits:
    return Commits()


def taken(outbox: HintOutbox, count: int) -> list[Hint]:
    return [outbox.take() for _ in range(count)]


def spans(hints: Iterable[Hint]) -> list[tuple[UUID, int, int, bool]]:
    """Of each hint: its session, from where to where, and whether it has frames."""
    return [(hint.session_id, hint.after, hint.last_seq, bool(hint.segments)) for hint in hints]


def test_hints_are_sent_in_order(commits: Commits, web: SlowWeb) -> None:
    sent = [commits.hint(session_id, b"x", state=RUNNING) for session_id in SESSIONS * 5]
    web.may_take.set()
    outbox = HintOutbox(web.send)
    outbox.put(sent[:7])
    outbox.start()
    outbox.put(sent[7:])
    assert until(lambda: len(web.hints) == len(sent))
    assert web.hints == sent


def test_writer_never_waits_for_a_web_process_that_does_not_read(commits: Commits, web: SlowWeb) -> None:
    outbox = HintOutbox(web.send)
    outbox.start()
    outbox.put([commits.hint(ONE, LARGE)])
    assert web.stalled.wait(SECONDS)
    sent = [commits.hint(session_id, LARGE) for _ in range(100) for session_id in (ONE, OTHER)]
    putting = threading.Thread(target=outbox.put, args=(sent,), daemon=True)
    putting.start()
    putting.join(SECONDS)
    assert not putting.is_alive()
    web.may_take.set()
    assert until(lambda: {hint.session_id: hint.last_seq for hint in web.hints} == {ONE: 101, OTHER: 100})
    assert sum(hint.size for hint in web.hints) <= QUEUED_BYTES + 2 * len(LARGE), "what it holds is bounded"


def test_beyond_the_bound_a_sessions_hints_become_one(commits: Commits) -> None:
    outbox = HintOutbox(lambda _: None)
    outbox.put(commits.hint(ONE, LARGE) for _ in range(9))
    outbox.put(commits.hint(session_id, LARGE) for session_id in (ONE, OTHER, ONE, OTHER, ONE))
    assert spans(taken(outbox, 11)) == [
        *[(ONE, seq, seq + 1, True) for seq in range(9)],
        (ONE, 9, 12, False),
        (OTHER, 0, 2, False),
    ]
    outbox.put([commits.hint(ONE, LARGE)])
    assert spans(taken(outbox, 1)) == [(ONE, 12, 13, True)]


def test_no_hint_overtakes_the_late_ones_of_its_session(commits: Commits) -> None:
    """Also when the queue has room again; other sessions use it."""
    outbox = HintOutbox(lambda _: None)
    outbox.put(commits.hint(ONE, LARGE) for _ in range(10))
    taken(outbox, 5)
    outbox.put([commits.hint(ONE), commits.hint(OTHER, b"x")])
    assert spans(taken(outbox, 6)) == [
        *[(ONE, seq, seq + 1, True) for seq in range(5, 9)],
        (OTHER, 0, 1, True),
        (ONE, 9, 11, False),
    ]


@pytest.mark.parametrize(
    ("states", "merged"),
    [
        ([None, None], None),
        ([WAITING, None], WAITING),
        ([None, WAITING], WAITING),
        ([WAITING, RUNNING], RUNNING),
        ([RUNNING, WAITING, None], WAITING),
    ],
)
def test_merged_hint_tells_the_latest_state(
    commits: Commits, states: list[dict[str, Any] | None], merged: dict[str, Any] | None
) -> None:
    outbox = HintOutbox(lambda _: None)
    outbox.put(commits.hint(OTHER, LARGE) for _ in range(9))
    outbox.put(commits.hint(ONE, state=state) for state in states)
    assert taken(outbox, 10)[-1] == Hint(ONE, 0, len(states), [], merged)


FRAMES = {"small": b"x", "large": LARGE, "huge": 9 * LARGE}
states = st.sampled_from([None, RUNNING, WAITING])
put_or_take = st.none() | st.tuples(
    st.sampled_from(SESSIONS), st.sampled_from(list(FRAMES)), st.integers(0, 3), states
)


@settings(deadline=None)
@given(st.lists(put_or_take, max_size=60))
def test_story_has_no_hole_wherever_sending_stalls(
    story: list[tuple[UUID, str, int, dict[str, Any] | None] | None],
) -> None:
    """Each item is a hint that is put, or None: the web process takes one."""
    commits, outbox = Commits(), HintOutbox(lambda _: None)
    told: dict[UUID, list[Hint]] = {session_id: [] for session_id in SESSIONS}
    states: dict[UUID, Any] = dict.fromkeys(SESSIONS)

    def is_behind() -> bool:
        return any(not told[key] or told[key][-1].last_seq < seq for key, seq in commits.last_seqs.items())

    def take() -> None:
        hint = outbox.take()
        before = told[hint.session_id]
        assert hint.after == (before[-1].last_seq if before else 0)
        assert not hint.segments or spanned(hint) == (hint.after + 1, hint.last_seq)
        before.append(hint)

    for item in story:
        if item is not None:
            session_id, size, entries, state = item
            outbox.put([commits.hint(session_id, FRAMES[size], entries, state)])
            states[session_id] = state or states[session_id]
        elif is_behind():
            take()
    outbox.put([commits.hint(session_id) for session_id in SESSIONS])
    while is_behind():
        take()
    for session_id, hints in told.items():
        assert next((hint.state for hint in reversed(hints) if hint.state), None) == states[session_id]


def spanned(hint: Hint) -> tuple[int, int]:
    return hint.segments[0].first, hint.segments[-1].last
