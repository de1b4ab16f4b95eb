"""The numbers of blocks and chunks: clear of those that recorded steps have used."""

from __future__ import annotations

from sessions_app.numbering import Numbering
from sessions_app.steps import Shown
from tests.sessions_app.runs import markdown


def test_blocks_count_by_type() -> None:
    numbering = Numbering()
    ids = [numbering.next_block(block_type) for block_type in ("markdown", "table", "markdown")]
    assert ids == ["markdown-1", "table-1", "markdown-2"]


def test_block_of_a_step_is_clear_of_steps_that_are_still_to_be_called() -> None:
    numbering, shown = Numbering(), Shown()
    assert numbering.next_block("markdown", shown, still_recorded=3) == "markdown-4"
    assert numbering.next_block("markdown", shown, still_recorded=3) == "markdown-5"
    assert shown.highest == {"markdown": 5}
    assert numbering.next_block("markdown") == "markdown-6"


def test_recorded_step_leaves_its_numbers_out() -> None:
    numbering = Numbering()
    numbering.pass_over({"markdown": 2})
    numbering.pass_over({"markdown": 1, "table": 1})
    assert [numbering.next_block("markdown"), numbering.next_block("table")] == ["markdown-3", "table-2"]


def test_chunks_follow_those_of_recorded_steps() -> None:
    numbering = Numbering()
    assert numbering.next_chunk(markdown("one")).chunk_id == 1
    assert numbering.next_chunk(markdown("two"), still_recorded=4).chunk_id == 5
    assert numbering.next_chunk(markdown("three")).chunk_id == 6
    numbering.pass_over({"markdown-2": 1})
    assert numbering.next_chunk(markdown("other", "markdown-2")).chunk_id == 2
