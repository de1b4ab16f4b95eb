"""Tables, from whatever is tabular."""

import datetime
import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import apps_app.dsl as yr
from apps_app.dsl.tables import cell, tabular
from tests.apps_app.playing import played


@dataclass
class PandasLike:
    """As much of a pandas DataFrame as the tables know of."""

    columns: list
    values: list

    def itertuples(self, index, name):
        assert (index, name) == (False, None)
        return iter(map(tuple, self.values))


@dataclass
class PolarsLike:
    columns: list
    values: list

    def iter_rows(self):
        return iter(map(tuple, self.values))


@dataclass
class OnlyValues:
    columns: list
    values: list


COLUMNS, ROWS = ["name", "age"], [["Ada", 36], ["Alan", 41]]
FORMS = {
    "pandas": PandasLike(COLUMNS, ROWS),
    "polars": PolarsLike(COLUMNS, ROWS),
    "values": OnlyValues(COLUMNS, ROWS),
    "dict of lists": {"name": ["Ada", "Alan"], "age": (36, 41)},
    "list of dicts": [{"name": "Ada", "age": 36}, {"age": 41, "name": "Alan"}],
    "iterator of dicts": iter([{"name": "Ada", "age": 36}, {"name": "Alan", "age": 41}]),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_a_table_shows_columns_and_rows(data):
    def show():
        yr.table(data)

    run = played(show)

    assert run.data("table") == [{"columns": COLUMNS, "rows": ROWS, "border": "all"}]
    assert run.shapes() == [("table-1", 1, None)]


def test_columns_without_names_are_numbered():
    def show():
        yr.table(iter([("a", 1), ["b"], range(3)]))

    assert played(show).data("table") == [
        {
            "columns": ["Column 1", "Column 2", "Column 3"],
            "rows": [["a", 1, ""], ["b", "", ""], [0, 1, 2]],
            "border": "all",
        }
    ]


def test_columns_are_the_keys_as_first_seen():
    def show():
        yr.table([{"b": 1}, {"a": 2, 3: "c"}])

    data = played(show).data("table")[0]
    assert data["columns"] == ["b", "a", "3"]
    assert data["rows"] == [[1, "", ""], ["", 2, "c"]]


def test_lists_of_different_lengths_are_filled_up():
    def show():
        yr.table({"a": [1, 2], "b": [3]})

    assert played(show).data("table")[0]["rows"] == [[1, 3], [2, ""]]


def test_added_rows_are_a_later_chunk_with_the_same_columns():
    def show():
        table = yr.table([{"name": "Ada", "age": 36}], border="horizontal")
        table.add_rows([["Alan", 41], {"age": 50}, ("Grace",)])
        table.add_rows(PandasLike(["age", "name"], [[85, "Grace"]]))

    run = played(show)

    assert [data["rows"] for data in run.data("table")] == [
        [["Ada", 36]],
        [["Alan", 41], ["", 50], ["Grace", ""]],
        [["Grace", 85]],
    ]
    assert {tuple(data["columns"]) for data in run.data("table")} == {("name", "age")}
    assert {data["border"] for data in run.data("table")} == {"horizontal"}
    assert run.shapes() == [("table-1", 1, None), ("table-1", 2, None), ("table-1", 3, None)]


def test_a_table_without_rows_shows_its_columns():
    def show():
        yr.table({"a": [], "b": []}).add_rows([[1, 2]])

    assert [data["rows"] for data in played(show).data("table")] == [[], [[1, 2]]]
    assert tabular(PandasLike(["a"], [])).columns == ["a"]


def test_a_table_without_data_takes_the_columns_of_its_first_rows():
    def show():
        table = yr.table()
        table.add_rows([{"a": 1}])
        table.add_rows([[2]])

    assert [(d["columns"], d["rows"]) for d in played(show).data("table")] == [(["a"], [[1]]), (["a"], [[2]])]


@pytest.mark.parametrize(
    ("border", "shown"),
    [(True, "all"), (False, "none"), ("all", "all"), ("none", "none"), ("horizontal", "horizontal")],
)
def test_border(border, shown):
    def show():
        yr.table([[1]], border=border)

    assert played(show).data("table")[0]["border"] == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "text"),
        (1, 1),
        (1.5, 1.5),
        (True, 1),
        (None, ""),
        (math.nan, ""),
        (math.inf, "inf"),
        (datetime.date(2025, 1, 31), "2025-01-31"),
        (Decimal("1.50"), 1.5),
        (b"bytes", "bytes"),
        (Fraction(1, 2), 0.5),  # registered as a Real, as numpy's numbers are
        (["a"], "['a']"),
    ],
)
def test_a_cell_is_text_or_a_number(value, shown):
    assert cell(value) == shown
    assert type(cell(value)) is type(shown)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ("text", TypeError, "A table must be a list of values, not 'text'"),
        (3, TypeError, "A table must be a list of values, not 3"),
        ([[1], "row"], TypeError, "A row must be a list of values, not 'row'"),
        ({"a": [1], "b": "column"}, TypeError, "A column must be a list of values, not 'column'"),
        (PandasLike(["a", "a"], [[1, 2]]), ValueError, "different names"),
    ],
)
def test_what_is_not_tabular_is_refused(data, error, message):
    with pytest.raises(error, match=message):
        tabular(data)


def test_a_single_row_needs_no_list_around_it():
    def show():
        table = yr.table({"a": 1, "b": "x"})
        table.add_rows([2, "yy"])
        table.add_rows({"b": "z", "a": 3})

    assert [data["rows"] for data in played(show).data("table")] == [[[1, "x"]], [[2, "yy"]], [[3, "z"]]]


def test_an_added_row_may_have_more_than_the_columns():
    def show():
        yr.table([{"a": 1}]).add_rows([{"a": 2, "b": 3}, [4, 5]])

    later = played(show).data("table")[1]
    assert (later["columns"], later["rows"]) == (["a"], [[2], [4, 5]])


names = st.text(max_size=5)
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)


@given(st.lists(names, min_size=1, max_size=4, unique=True), st.data())
def test_all_forms_of_the_same_data_are_the_same_table(columns, data):
    width = len(columns)
    rows = data.draw(st.lists(st.lists(values, min_size=width, max_size=width), min_size=1, max_size=4))
    expected = tabular(PandasLike(columns, rows))

    assert (expected.columns, expected.rows) == (columns, rows)
    assert tabular([dict(zip(columns, row, strict=True)) for row in rows]) == expected
    assert tabular({name: [row[i] for row in rows] for i, name in enumerate(columns)}) == expected
    assert tabular(rows, columns) == expected


@given(st.lists(st.lists(values, max_size=4), max_size=4))
def test_any_lists_make_a_table_that_a_client_can_show(rows):
    table = tabular(rows)

    assert {len(row) for row in table.rows} <= {len(table.columns)}
    for row, given_row in zip(table.rows, rows, strict=True):
        assert row[: len(given_row)] == given_row
        assert all(type(cell(value)) in (str, int, float) for value in row)
