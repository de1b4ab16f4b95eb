"""The judge of `make chaos` sees what is wrong with a story, and nothing where the contract allows it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.chaos.story import (
    Entry,
    Execution,
    Finding,
    Sent,
    Wrong,
    judge_answers,
    judge_client,
    judge_steps,
    judge_story,
    totals,
)


def event(block_id: str, chunk_id: int = 1, timestamp: str = "noon", **data: Any) -> dict[str, Any]:
    block_type = block_id.partition("-")[0]
    return {
        "event_class": "lifecycle" if block_type == "exit" else "content",
        "block_type": block_type,
        "block_id": block_id,
        "data": data,
        "timestamp": timestamp,
        "chunk_id": chunk_id,
        "app": {"name": "a.b", "instance_id": 0},
        "parent_block_id": None,
    }


def entry(seq: int, kind: str, **payload: Any) -> Entry:
    return Entry(seq, kind, orjson.dumps(payload))


def log_of(*events: dict[str, Any]) -> list[Entry]:
    return [entry(seq, "event", **each) for seq, each in enumerate(events, 1)]


EXIT = event("exit-1", exit_code=0, return_value="3")
TOLD = [event("markdown-1", content="a"), event("markdown-1", 2, content="b"), EXIT]
ANSWER = {"blockId": "slider-1", "value": 2, "blockType": "slider"}
LOG = [
    *log_of(*TOLD[:2]),
    entry(3, "interaction", **ANSWER),
    entry(5, "event", **event("markdown-2", content="cut off")),
    entry(6, "event", **event("markdown-2", 2, content="cut off too")),
    entry(7, "retract", from_seq=5, to_seq=6),
    entry(8, "event", **EXIT),
]


def seen(*seqs: int) -> list[Entry]:
    return [each for seq in seqs for each in LOG if each.seq == seq]


@pytest.mark.parametrize(
    "seqs",
    [(1, 2, 3, 5, 6, 7, 8), (1, 2, 3, 7, 8), (1, 2, 3, 8), (1, 2, 3, 5, 7, 8)],
    ids=["everything", "not the retracted", "nor the retract", "a part of the retracted"],
)
def test_client_may_have_seen(seqs: tuple[int, ...]) -> None:
    assert judge_client(seen(*seqs), LOG) == []


@pytest.mark.parametrize(
    ("seqs", "expected"),
    [
        ((1, 3, 8), {Wrong.LOST: 1}),
        ((1, 2, 8), {Wrong.LOST: 1}),  # an interaction
        ((1, 2, 3, 5, 8), {Wrong.LOST: 1}),  # the retract of what was seen
        ((1, 2, 3), {Wrong.LOST: 1}),
        ((1, 2, 2, 2, 3, 8), {Wrong.DUPLICATED: 2}),
        ((2, 1, 3, 8), {Wrong.REORDERED: 2}),
        ((3, 1, 1, 8), {Wrong.LOST: 1, Wrong.DUPLICATED: 1, Wrong.REORDERED: 2}),
    ],
)
def test_client_must_not_have_seen(seqs: tuple[int, ...], expected: dict[Wrong, int]) -> None:
    assert totals(judge_client(seen(*seqs), LOG)) == expected


def test_client_sees_the_bytes_of_the_log() -> None:
    other = [entry(1, "event", **event("markdown-1", content="A")), *seen(2, 3, 8)]
    assert totals(judge_client(other, LOG)) == {Wrong.LOST: 1, Wrong.FOREIGN: 1}


def test_client_sees_nothing_that_is_not_in_the_log() -> None:
    findings = judge_client([*seen(1, 2, 3, 8), entry(9, "event", **EXIT)], LOG)
    assert totals(findings) == {Wrong.FOREIGN: 1}
    assert "seq=9" in findings[0].text


def test_story_without_what_was_retracted() -> None:
    later = [{**each, "timestamp": "later"} for each in TOLD]
    assert judge_story(LOG, later) == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (TOLD[1:], {Wrong.LOST: 1}),
        ([TOLD[0], *TOLD], {Wrong.DUPLICATED: 1}),
        ([TOLD[1], TOLD[0], EXIT], {Wrong.REORDERED: 2}),
        ([*TOLD[:2], event("markdown-2", content="b"), EXIT], {Wrong.FOREIGN: 1}),
        ([TOLD[0], event("markdown-1", 3, content="b"), EXIT], {Wrong.LOST: 1, Wrong.FOREIGN: 1}),
        (TOLD[:2], {Wrong.LOST: 1}),
        ([*TOLD, EXIT], {Wrong.DUPLICATED: 1}),
        ([], {Wrong.LOST: 3}),
    ],
)
def test_story_that_is_wrong(told: list[dict[str, Any]], expected: dict[Wrong, int]) -> None:
    assert totals(judge_story(log_of(*told), TOLD)) == expected


def test_retract_of_what_should_have_stayed_is_a_loss() -> None:
    log = [*log_of(*TOLD), entry(4, "retract", from_seq=2, to_seq=2)]
    assert totals(judge_story(log, TOLD)) == {Wrong.LOST: 1}


def test_other_exit_is_one_finding() -> None:
    failed = event("exit-1", exit_code=1, return_value=None)
    findings = judge_story(log_of(failed), TOLD)
    assert totals(findings) == {Wrong.OTHER_END: 1}
    assert '"exit_code":1' in findings[0].text


def action(block_id: str, chunk_id: int, message: str) -> dict[str, Any]:
    return event(block_id, chunk_id, status="active", message=message)


SIDE_BY_SIDE = [
    action("action-1", 1, "left"),
    action("action-2", 1, "right"),
    action("action-1", 2, "left: 1"),
    action("action-2", 2, "right: 1"),
    action("action-1", 3, "left: 2"),
]


def test_steps_side_by_side_come_in_any_order_and_under_any_number() -> None:
    told = [
        action("action-4", 1, "right"),
        action("action-4", 2, "right: 1"),
        action("action-3", 1, "left"),
        action("action-3", 2, "left: 1"),
        action("action-3", 3, "left: 2"),
    ]
    assert judge_story(log_of(*told, EXIT), [*SIDE_BY_SIDE, EXIT]) == []


def test_each_step_side_by_side_has_its_own_order() -> None:
    swapped = [*SIDE_BY_SIDE[:2], *SIDE_BY_SIDE[:1:-1]]
    assert totals(judge_story(log_of(*swapped, EXIT), [*SIDE_BY_SIDE, EXIT])) == {Wrong.REORDERED: 2}


def test_steps_side_by_side_do_not_pass_what_comes_between() -> None:
    between = [*SIDE_BY_SIDE[:2], TOLD[0], *SIDE_BY_SIDE[2:], EXIT]
    moved = [*SIDE_BY_SIDE, TOLD[0], EXIT]
    assert totals(judge_story(log_of(*moved), between)) == {Wrong.REORDERED: 5}


def test_answers_that_are_in_the_log_once() -> None:
    assert list(judge_answers([Sent(ANSWER)], LOG)) == []


OTHER = {**ANSWER, "value": 3}


@pytest.mark.parametrize(
    ("sent", "logged", "expected"),
    [
        ([ANSWER, OTHER], [ANSWER], {Wrong.ANSWER_LOST: 1}),
        ([ANSWER], [ANSWER, ANSWER, ANSWER], {Wrong.ANSWER_DOUBLED: 2}),
        ([ANSWER], [ANSWER, OTHER], {Wrong.ANSWER_FOREIGN: 1}),
    ],
)
def test_answers_that_are_not(
    sent: list[dict[str, Any]], logged: list[dict[str, Any]], expected: dict[Wrong, int]
) -> None:
    log = [entry(seq, "interaction", **body) for seq, body in enumerate(logged, 1)]
    assert totals(judge_answers(map(Sent, sent), log)) == expected


@pytest.mark.parametrize("log", [[], LOG])
def test_refusal_is_a_finding_whether_recorded_or_not(log: list[Entry]) -> None:
    assert totals(judge_answers([Sent(ANSWER, "409")], log)) == {Wrong.ANSWER_REFUSED: 1}


def test_step_is_executed_again_only_until_it_is_recorded() -> None:
    tries = [Execution("s:0.1", 10.0), Execution("s:0.1", 20.0), Execution("s:0.2", 99.0)]
    assert list(judge_steps(tries, {"s:0.1": 20.5})) == []
    (finding,) = judge_steps([*tries, Execution("s:0.1", 21.0)], {"s:0.1": 20.5})
    assert finding == Finding(Wrong.PAID_TWICE, "step s:0.1 was executed 0.500 s after it was recorded")
