"""The data of each block, as a client gets it."""

import datetime

import pytest
from pydantic import ValidationError

from apps_app import blocks

WIRE = [  # as `yera` 0.4 has them
    (blocks.Markdown(content="x"), "markdown", "content", {"content": "x"}),
    (blocks.InputEcho(content="x"), "input_echo", "content", {"content": "x"}),
    (
        blocks.Table(columns=["a"], rows=[["x"], [1], [1.5]], border="none"),
        "table",
        "content",
        {"columns": ["a"], "rows": [["x"], [1], [1.5]], "border": "none"},
    ),
    (
        blocks.BarChart(
            x_label="x", x_categories=["a"], y_label=None, y_values=[[None]], colour_values=["red"]
        ),
        "bar_chart",
        "content",
        {
            "x_label": "x",
            "x_categories": ["a"],
            "y_label": None,
            "y_values": [[None]],
            "colour_label": None,
            "colour_categories": None,
            "colour_values": ["red"],
            "horizontal": False,
            "stack": True,
        },
    ),
    (
        blocks.LineChart(
            x_label="x", x_ticks=[1, "b"], y_label="y", y_values=[[1, 2.5]], colour_series=["s"]
        ),
        "line_chart",
        "content",
        {
            "x_label": "x",
            "x_ticks": [1, "b"],
            "y_label": "y",
            "y_values": [[1, 2.5]],
            "colour_label": None,
            "colour_series": ["s"],
            "colour_values": None,
        },
    ),
    (blocks.InputRequest(), "input_request", "prompt", {"type": "text", "message": ""}),
    (blocks.Buttons(options=["a"]), "buttons", "prompt", {"options": ["a"], "label": None}),
    (
        blocks.Slider(min_value=0, max_value=1, initial_value=0.5, label="l"),
        "slider",
        "prompt",
        {"min_value": 0.0, "max_value": 1.0, "initial_value": 0.5, "label": "l"},
    ),
    (
        blocks.Date(value=datetime.date(2025, 1, 31), label="l"),
        "date",
        "prompt",
        {"value": "2025-01-31", "label": "l"},
    ),
    (
        blocks.Spinner(status="active", message="m"),
        "spinner",
        "progress",
        {"status": "active", "message": "m"},
    ),
    (
        blocks.Action(status="complete", message=None),
        "action",
        "progress",
        {"status": "complete", "message": None},
    ),
    (blocks.Container(show_border=True), "container", "structure", {"showBorder": True}),
    (blocks.Columns(column_count=2), "columns", "structure", {"showBorder": False, "column_count": 2}),
    (blocks.Form(), "form", "structure", {"showBorder": False}),
    (blocks.LayoutEnd(), "layout_end", "control", {}),
    (blocks.SystemPrompt(content="x"), "system_prompt", "context", {"content": "x"}),
    (
        blocks.Exit(exit_code=0, reason=None, return_type="int", return_value="7"),
        "exit",
        "lifecycle",
        {"exit_code": 0, "reason": None, "return_type": "int", "return_value": "7"},
    ),
    (
        blocks.Exit(
            exit_code=1,
            reason="r",
            return_type="str",
            return_value=None,
            error_cause=blocks.ErrorCause(error_type="KeyError"),
        ),
        "exit",
        "lifecycle",
        {
            "exit_code": 1,
            "reason": "r",
            "return_type": "str",
            "return_value": None,
            "error_cause": {"error_type": "KeyError", "block_type": None},
        },
    ),
]


@pytest.mark.parametrize(
    ("block", "block_type", "event_class", "data"),
    WIRE,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_wire_form(block, block_type, event_class, data):
    assert (block.block_type, block.event_class) == (block_type, event_class)
    assert block.to_wire() == data


def test_every_block_has_its_wire_form_tested():
    def leaves(kind):
        return {leaf for child in kind.__subclasses__() for leaf in leaves(child) or {child}}

    assert leaves(blocks.BlockData) == {type(block) for block, *_ in WIRE}


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (blocks.Markdown, {"content": "x", "colour": "red"}),
        (blocks.Markdown, {"content": 5}),
        (blocks.Table, {"columns": ["a"], "rows": [[None]]}),
        (blocks.Table, {"columns": ["a"], "rows": [], "border": "bogus"}),
        (blocks.Buttons, {"options": []}),
        (blocks.Columns, {"column_count": 0}),
        (blocks.Spinner, {"status": "stuck", "message": None}),
    ],
)
def test_data_that_is_not_of_the_contract_is_refused(block, fields):
    with pytest.raises(ValidationError):
        block(**fields)


def test_numbers_keep_their_type():
    rows = blocks.Table(columns=["a"], rows=[[1, 1.0, "1"]]).to_wire()["rows"]

    assert [type(value) for value in rows[0]] == [int, float, str]
