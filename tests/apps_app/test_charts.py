"""Charts: which columns become what, and the shape of the values."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import apps_app.dsl as yr
from tests.apps_app.playing import played

SALES = [
    {"year": 2024, "fruit": "apple", "sold": 3},
    {"year": 2024, "fruit": "pear", "sold": 1.5},
    {"year": 2025, "fruit": "apple", "sold": 4},
]


def test_a_bar_chart_takes_the_first_two_columns():
    def show():
        yr.bar_chart({"city": ["Paris", "Rome"], "score": [7, 8.5]})

    run = played(show)

    assert run.data("bar_chart") == [
        {
            "x_label": "city",
            "x_categories": ["Paris", "Rome"],
            "y_label": "score",
            "y_values": [[7, 8.5]],
            "colour_label": None,
            "colour_categories": None,
            "colour_values": None,
            "horizontal": False,
            "stack": True,
        }
    ]
    assert run.shapes() == [("bar_chart-1", 1, None)]


def test_a_line_chart_takes_the_first_two_columns():
    def show():
        yr.line_chart([[1, 10], [2.5, 20]])

    run = played(show)

    assert run.data("line_chart") == [
        {
            "x_label": "Column 1",
            "x_ticks": [1, 2.5],
            "y_label": "Column 2",
            "y_values": [[10, 20]],
            "colour_label": None,
            "colour_series": None,
            "colour_values": None,
        }
    ]


def test_columns_by_name():
    def show():
        yr.bar_chart(SALES[1:], x="fruit", y="sold", horizontal=True, stack=False)

    data = played(show).data("bar_chart")[0]

    assert (data["x_label"], data["x_categories"]) == ("fruit", ["pear", "apple"])
    assert (data["y_label"], data["y_values"]) == ("sold", [[1.5, 4]])
    assert (data["horizontal"], data["stack"]) == (True, False)


@pytest.mark.parametrize(
    ("chart", "block_type", "x_field", "x", "colour_field"),
    [
        (yr.bar_chart, "bar_chart", "x_categories", ["2024", "2025"], "colour_categories"),
        (yr.line_chart, "line_chart", "x_ticks", [2024, 2025], "colour_series"),
    ],
)
def test_a_colour_column_makes_the_series(chart, block_type, x_field, x, colour_field):
    def show():
        chart(SALES, colour="fruit")

    data = played(show).data(block_type)[0]

    assert data[x_field] == x
    assert (data["y_label"], data["y_values"]) == ("sold", [[3, 4], [1.5, None]])
    assert (data["colour_label"], data[colour_field]) == ("fruit", ["apple", "pear"])


def test_several_y_columns_are_series():
    def show():
        yr.line_chart({"t": [0, 1], "a": [1, None], "b": [math.nan, 2]}, y=["b", "a"])

    data = played(show).data("line_chart")[0]

    assert (data["y_label"], data["y_values"]) == (None, [[None, 2.0], [1, None]])
    assert (data["colour_label"], data["colour_series"]) == (None, ["b", "a"])


def test_numbers_of_all_kinds():
    def show():
        yr.bar_chart([["a", Decimal("1.5")], ["b", True], ["c", None]])

    assert played(show).data("bar_chart")[0]["y_values"] == [[1.5, 1, None]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": []}, r"needs a column for x and one for y; the data has \[\]"),
        ({"data": [[1]]}, r"the data has \['Column 1'\]"),
        ({"data": SALES, "x": "month"}, r"no column 'month'; the data has \['year', 'fruit', 'sold'\]"),
        ({"data": SALES, "y": "price"}, "no column 'price'"),
        ({"data": SALES, "y": ["sold", "price"]}, "no column 'price'"),
        ({"data": SALES, "colour": "size"}, "no column 'size'"),
        ({"data": SALES, "y": "fruit"}, "column 'fruit' holds 'apple', which is not a number"),
        ({"data": SALES, "y": ["sold"], "colour": "fruit"}, "not both"),
        (
            {"data": [*SALES, SALES[0]], "colour": "fruit"},
            "two values of sold where year is 2024 and fruit is apple",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    def show():
        with pytest.raises(ValueError, match=message):
            yr.bar_chart(**arguments)

    assert played(show).shapes() == []


points = st.dictionaries(
    st.tuples(st.integers(), st.text("abc", max_size=3)), st.integers(-(2**53), 2**53), min_size=1
)


@given(points)
def test_every_point_is_in_its_place_and_no_other(values):
    def show():
        yr.bar_chart([[x, colour, value] for (x, colour), value in values.items()], colour="Column 2")

    data = played(show).data("bar_chart")[0]

    found = {
        (x, colour): value
        for colour, series in zip(data["colour_categories"], data["y_values"], strict=True)
        for x, value in zip(data["x_categories"], series, strict=True)
        if value is not None
    }
    assert found == {(str(x), colour): value for (x, colour), value in values.items()}
