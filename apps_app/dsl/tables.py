"""Tables, and whatever is tabular as columns and rows (the charts use it too)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from numbers import Integral, Real
from typing import Any, Literal

from apps_app.blocks import Cell, Table
from apps_app.dsl.context import Handle

Border = bool | Literal["all", "none", "horizontal"]


@dataclass(frozen=True, slots=True)
class Tabular:
    """Columns by name, and rows of values of any type, each as long as there are columns."""

    columns: list[str]
    rows: list[list[Any]]


def tabular(data: Any, columns: Sequence[str] = ()) -> Tabular:
    """The columns and rows of a DataFrame (pandas, polars), a dict of lists, or an iterable of rows.

    A row is a dict, or an iterable of values in the order of the columns; what a row lacks is
    None. `columns` are those that the rows belong to, when they are known already. Raises
    ValueError for a row that does not fit, TypeError for what is not tabular.
    """
    names, records = _taken_apart(data)
    columns = list(columns) or names or _numbered(records)
    if len(set(columns)) < len(columns):
        raise ValueError(f"Column names must differ: {columns}.")
    return Tabular(columns, [_row(record, columns) for record in records])


Record = Mapping[str, Any] | list[Any]  # a row by column name, or by position


def _taken_apart(data: Any) -> tuple[list[str], list[Record]]:
    """The column names that the data has, and its rows."""
    if hasattr(data, "columns"):
        names = [str(name) for name in data.columns]
        return names, [dict(zip(names, row, strict=True)) for row in _frame_rows(data)]
    if isinstance(data, Mapping):
        names = [str(name) for name in data]
        return names, [dict(zip(names, row, strict=True)) for row in zip_longest(*map(_listed, data.values()))]
    records = [_record(row) for row in _listed(data)]
    return list(dict.fromkeys(name for record in records if isinstance(record, dict) for name in record)), records
