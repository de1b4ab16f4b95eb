"""Markdown, spinners, actions."""

import pytest

import apps_app.dsl as yr
from tests.apps_app.playing import played


def test_markdown_shows_its_content():
    def show():
        yr.markdown("# Hello")

    run = played(show)

    assert run.data("markdown") == [{"content": "# Hello"}]
    assert run.events[0]["event_class"] == "content"


def test_a_streamed_text_is_many_chunks_of_one_block():
    def show():
        text = yr.markdown("a")
        text.append("b")
        yr.markdown("other")
        text.new_line("c")

    run = played(show)

    assert run.shapes() == [
        ("markdown-1", 1, None),
        ("markdown-1", 2, None),
        ("markdown-2", 1, None),
        ("markdown-1", 3, None),
    ]
    assert [data["content"] for data in run.data("markdown")] == ["a", "b", "other", "\n\nc"]


def test_an_unused_handle_takes_an_id_and_shows_nothing():
    def show():
        yr.markdown()
        yr.markdown("")

    assert played(show).shapes() == [("markdown-2", 1, None)]


def test_anything_is_shown_as_text():
    def show():
        yr.markdown(0).append([1])

    assert [data["content"] for data in played(show).data("markdown")] == ["0", "[1]"]


def test_a_markdown_block_groups_code():
    def show():
        with yr.markdown() as text:
            text.append("x")

    async def ashow():
        async with yr.markdown() as text:
            text.append("x")

    assert played(show).shapes() == played(ashow).shapes() == [("markdown-1", 1, None)]


@pytest.mark.parametrize("kind", ["spinner", "action"])
def test_progress_is_active_inside_and_complete_after(kind):
    def show():
        with getattr(yr, kind)("Mixing") as progress:
            progress.update("Stirring")
            progress.update(None)

    run = played(show)

    assert run.data(kind) == [
        {"status": "active", "message": "Mixing"},
        {"status": "active", "message": "Stirring"},
        {"status": "active", "message": None},
        {"status": "complete", "message": None},
    ]
    assert run.shapes() == [(f"{kind}-1", chunk, None) for chunk in (1, 2, 3, 4)]
    assert run.events[0]["event_class"] == "progress"


def test_progress_in_an_async_app():
    async def show():
        async with yr.spinner("a"):
            yr.markdown("inside")
        with yr.action("b"):
            pass

    assert played(show).shapes() == [
        ("spinner-1", 1, None),
        ("markdown-1", 1, None),
        ("spinner-1", 2, None),
        ("action-1", 1, None),
        ("action-1", 2, None),
    ]


def test_progress_is_complete_after_an_exception():
    def show():
        with pytest.raises(KeyError), yr.spinner("Mixing"):
            raise KeyError
        yr.markdown("after")

    run = played(show)

    assert [data["status"] for data in run.data("spinner")] == ["active", "complete"]
    assert run.data("markdown") == [{"content": "after"}]


def test_progress_says_nothing_once_the_session_is_over():
    def show():
        with yr.spinner("Mixing"):
            yr.exit(3)

    run = played(show)

    assert [data["status"] for data in run.data("spinner")] == ["active"]
    assert run.exit["exit_code"] == 3


def test_a_block_belongs_to_where_its_chunk_is_shown():
    def show():
        text = yr.markdown("outside")
        with yr.container():
            text.append("inside")
        text.append("outside")

    run = played(show)

    assert [e["parent_block_id"] for e in run.events if e["block_id"] == "markdown-1"] == [
        None,
        "container-1",
        None,
    ]


def test_showing_needs_a_running_session():
    with pytest.raises(yr.UsageError, match=r"needs a running session.*@yr\.app"):
        yr.markdown("x")
