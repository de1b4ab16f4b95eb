"""Tables, and whatever is tabular as columns and rows (the charts use it too)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from numbers import Integral, Real
from typing import Any, Literal, cast

from apps_app.blocks import Cell, Table
from apps_app.dsl.context import Handle

BorderStyle = Literal["all", "none", "horizontal"]
Record = dict[str, Any] | list[Any]  # a row by column name, or by position


@dataclass(frozen=True, slots=True)
class Tabular:
    """Columns by name, and rows of values of any type, each with a value for every column."""

    columns: list[str]
    rows: list[list[Any]]


class TableHandle(Handle):
    """A table that grows by rows."""

    __slots__ = ("_border", "_columns")

    def __init__(self, border: BorderStyle) -> None:
        super().__init__(Table.block_type)
        self._border = border
        self._columns: list[str] = []

    def add_rows(self, rows: Any) -> None:
        """Show more rows, in any form that `yr.table` takes; under the columns of the first ones."""
        added = tabular(rows, self._columns)
        self._columns = added.columns
        cells = [[cell(value) for value in row] for row in added.rows]
        self.emit(Table(columns=added.columns, rows=cells, border=self._border))


def table(data: Any = None, *, border: bool | BorderStyle = True) -> TableHandle:
    """Show a table; without `data` nothing is shown until rows are added.

    `data`: a DataFrame (pandas, polars), a dict of lists, an iterable of rows, each a dict or an
    iterable of cells, or a single row. `border`: True is "all", False is "none".
    """
    style = border if isinstance(border, str) else "all" if border else "none"
    handle = TableHandle(style)
    if data is not None:
        handle.add_rows(data)
    return handle


def tabular(data: Any, columns: Sequence[str] = ()) -> Tabular:
    """The columns and rows of whatever is tabular, in the forms that `yr.table` takes.

    What a row lacks is None; columns without names are "Column 1", "Column 2", ... `columns` are
    those that the rows must fit, where they are known already: then what a dict has besides is
    left out. Raises TypeError for what is not tabular, ValueError for two columns of one name.
    """
    names, records = _taken_apart(data)
    columns = list(columns) or names or _numbered(records)
    if len(set(columns)) < len(columns):
        raise ValueError(f"Columns must have different names, not {columns}.")
    return Tabular(columns, [_row(record, columns) for record in records])


def cell(value: Any) -> Cell:
    """A value as a client shows it: a text, a number, or what is missing as an empty text."""
    match value:
        case None:
            return ""
        case Integral():  # numpy's numbers are registered as these, but are not Python's own
            return int(value)
        case Real() | Decimal():
            return _finite(float(value))
        case bytes():
            return value.decode(errors="replace")
        case _:
            return str(value)


def _finite(number: float) -> Cell:
    # DataFrames mark what is missing with NaN; JSON has neither that nor infinity.
    if math.isnan(number):
        return ""
    return number if math.isfinite(number) else str(number)


def _taken_apart(data: Any) -> tuple[list[str], list[Record]]:
    """The column names that the data brings, and its rows."""
    if hasattr(data, "columns"):
        names = [str(name) for name in data.columns]
        return names, [dict(zip(names, row, strict=True)) for row in _frame_rows(data)]
    if isinstance(data, Mapping):
        return _mapping_taken_apart({str(name): values for name, values in data.items()})
    rows = _listed(data, "A table")
    if rows and not any(map(_holds_values, rows)):
        rows = [rows]
    records = [_record(row) for row in rows]
    keys = (name for record in records if isinstance(record, dict) for name in record)
    return list(dict.fromkeys(keys)), records


def _mapping_taken_apart(data: dict[str, Any]) -> tuple[list[str], list[Record]]:
    names = list(data)
    if not any(map(_holds_values, data.values())):
        return names, [data]
    lists = [_listed(values, "A column") for values in data.values()]
    return names, [dict(zip(names, row, strict=True)) for row in zip_longest(*lists)]


def _frame_rows(frame: Any) -> Iterable[Iterable[Any]]:
    if hasattr(frame, "itertuples"):
        rows = frame.itertuples(index=False, name=None)
    else:
        rows = frame.iter_rows() if hasattr(frame, "iter_rows") else frame.values
    return cast(Iterable[Iterable[Any]], rows)


def _record(row: Any) -> Record:
    if isinstance(row, Mapping):
        return {str(name): value for name, value in row.items()}
    return _listed(row, "A row")


def _listed(values: Any, what: str) -> list[Any]:
    if not _holds_values(values):
        raise TypeError(f"{what} must be a list of values, not {values!r:.80}.")
    return list(values)


def _holds_values(value: Any) -> bool:
    # A text is iterable too, but its letters are never what was meant.
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)


def _numbered(records: list[Record]) -> list[str]:
    width = max(map(len, records), default=0)
    return [f"Column {number}" for number in range(1, width + 1)]


def _row(record: Record, columns: list[str]) -> list[Any]:
    if isinstance(record, dict):
        return [record.get(name) for name in columns]
    return record + [None] * (len(columns) - len(record))
