"""Bar and line charts, from the same data as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

from apps_app.blocks import BarChart, Cell, LineChart, Number
from apps_app.dsl.context import Handle
from apps_app.dsl.tables import Tabular, cell, tabular


@dataclass(frozen=True, slots=True)
class Plot:
    """What both charts show: x positions, and per series one value (or None) for each of them."""

    x_label: str
    x: list[Cell]
    y_label: str | None
    series: list[list[Number]]
    colour_label: str | None = None
    colours: list[str] | None = None


def bar_chart(
    data: Any,
    *,
    x: str | None = None,
    y: str | Sequence[str] | None = None,
    colour: str | None = None,
    horizontal: bool = False,
    stack: bool = True,
) -> None:
    """Show a bar chart.

    `data` is as for `yr.table`. `x` names the column of the categories (the first), `y` that of
    the values (the second), or several columns, one colour each. `colour` names a column whose
    distinct values are the colours. Raises ValueError for a column that is not there, a value that
    is not a number, and two values for one x and colour.
    """
    plot = _plot(tabular(data), x, y, colour)
    _show(
        BarChart(
            x_label=plot.x_label,
            x_categories=[str(tick) for tick in plot.x],
            y_label=plot.y_label,
            y_values=plot.series,
            colour_label=plot.colour_label,
            colour_categories=plot.colours,
            horizontal=horizontal,
            stack=stack,
        )
    )


def line_chart(
    data: Any, *, x: str | None = None, y: str | Sequence[str] | None = None, colour: str | None = None
) -> None:
    """Show a line chart; the arguments and the errors are those of `yr.bar_chart`."""
    plot = _plot(tabular(data), x, y, colour)
    _show(
        LineChart(
            x_label=plot.x_label,
            x_ticks=plot.x,
            y_label=plot.y_label,
            y_values=plot.series,
            colour_label=plot.colour_label,
            colour_series=plot.colours,
        )
    )


def _show(data: BarChart | LineChart) -> None:
    Handle(data.block_type).emit(data)


def _plot(data: Tabular, x: str | None, y: str | Sequence[str] | None, colour: str | None) -> Plot:
    x = data.columns[0] if x is None and data.columns else x
    y = next((name for name in data.columns if name not in (x, colour)), None) if y is None else y
    if x is None or y is None:
        raise ValueError(f"A chart needs a column for x and one for y; the data has {data.columns}.")
    if colour is not None:
        if not isinstance(y, str):
            raise ValueError("A chart's series are several y columns or the values of colour, not both.")
        return _by_colour(data, x, y, colour)
    ticks = _cells(data, x)
    if isinstance(y, str):
        return Plot(x, ticks, y, [_numbers(data, y)])
    return Plot(x, ticks, None, [_numbers(data, name) for name in y], colours=list(y))


def _by_colour(data: Tabular, x: str, y: str, colour: str) -> Plot:
    """One series per distinct colour, each over all the distinct x."""
    ticks = _cells(data, x)
    colours = [str(value) for value in _cells(data, colour)]
    values: dict[tuple[Cell, str], Number] = {}
    for place, value in zip(zip(ticks, colours, strict=True), _numbers(data, y), strict=True):
        if place in values:
            raise ValueError(
                f"There are two values of {y} where {x} is {place[0]} and {colour} is {place[1]}."
            )
        values[place] = value
    x_distinct, colours_distinct = list(dict.fromkeys(ticks)), list(dict.fromkeys(colours))
    series = [[values.get((tick, name)) for tick in x_distinct] for name in colours_distinct]
    return Plot(x, x_distinct, y, series, colour, colours_distinct)


def _column(data: Tabular, name: str) -> list[Any]:
    if name not in data.columns:
        raise ValueError(f"There is no column {name!r}; the data has {data.columns}.")
    index = data.columns.index(name)
    return [row[index] for row in data.rows]


def _cells(data: Tabular, name: str) -> list[Cell]:
    return [cell(value) for value in _column(data, name)]


def _numbers(data: Tabular, name: str) -> list[Number]:
    return [_number(value, name) for value in _column(data, name)]


def _number(value: Any, column: str) -> Number:
    match value:
        case None:
            return None
        case Integral():
            return int(value)
        case Real() | Decimal():
            return float(value)
        case _:
            raise ValueError(f"The column {column!r} holds {value!r:.80}, which is not a number.")
