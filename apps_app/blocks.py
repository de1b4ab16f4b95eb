"""The data of every block that an app can show: one pydantic model a block type.

The field names and shapes are the wire contract's, which `yera` 0.4 has set.
"""

from __future__ import annotations

import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Cell = str | int | float
Number = int | float | None


class BlockData(BaseModel):
    """What one chunk of a block carries. Subclasses name their block type and event class."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    block_type: ClassVar[str]
    event_class: ClassVar[str]

    def to_wire(self) -> dict[str, Any]:
        """The `data` of the event, as a client gets it."""
        return self.model_dump(by_alias=True)


class Markdown(BlockData):
    block_type = "markdown"
    event_class = "content"

    content: str

    def to_wire(self) -> dict[str, Any]:
        return {"content": self.content}  # a streamed text has one for each token


class InputEcho(BlockData):
    block_type = "input_echo"
    event_class = "content"

    content: str


class Table(BlockData):
    """Columns by name, rows of cells; a later chunk carries the added rows only."""

    block_type = "table"
    event_class = "content"

    columns: list[str]
    rows: list[list[Cell]]
    border: Literal["all", "none", "horizontal"] = "all"


class BarChart(BlockData):
    """One row of `y_values` per colour category, one value in it per x category."""

    block_type = "bar_chart"
    event_class = "content"

    x_label: str | None
    x_categories: list[str]
    y_label: str | None
    y_values: list[list[Number]]
    colour_label: str | None = None
    colour_categories: list[str] | None = None
    colour_values: list[str] | None = None
    horizontal: bool = False
    stack: bool = True


class LineChart(BlockData):
    """One row of `y_values` per series, one value in it per x tick."""

    block_type = "line_chart"
    event_class = "content"

    x_label: str | None
    x_ticks: list[Cell]
    y_label: str | None
    y_values: list[list[Number]]
    colour_label: str | None = None
    colour_series: list[str] | None = None
    colour_values: list[str] | None = None


class InputRequest(BlockData):
    block_type = "input_request"
    event_class = "prompt"

    type: Literal["text"] = "text"
    message: str = ""


class Buttons(BlockData):
    block_type = "buttons"
    event_class = "prompt"

    options: list[str] = Field(min_length=1)
    label: str | None = None


class Slider(BlockData):
    block_type = "slider"
    event_class = "prompt"

    min_value: float
    max_value: float
    initial_value: float
    label: str | None = None


class Date(BlockData):
    block_type = "date"
    event_class = "prompt"

    value: datetime.date
    label: str | None = None

    def to_wire(self) -> dict[str, Any]:
        return {"value": self.value.isoformat(), "label": self.label}


class _Progress(BlockData):
    event_class = "progress"

    status: Literal["active", "complete"]
    message: str | None


class Spinner(_Progress):
    block_type = "spinner"


class Action(_Progress):
    block_type = "action"


class Structure(BlockData):
    """A layout: the blocks that follow name it as their parent until its `layout_end`."""

    event_class = "structure"

    show_border: bool = Field(default=False, alias="showBorder")


class Container(Structure):
    block_type = "container"


class Columns(Structure):
    block_type = "columns"

    column_count: int = Field(ge=1)


class Form(Structure):
    block_type = "form"


class LayoutEnd(BlockData):
    block_type = "layout_end"
    event_class = "control"


class SystemPrompt(BlockData):
    block_type = "system_prompt"
    event_class = "context"

    content: str


class ErrorCause(BaseModel):
    """Why a session failed: an exception's class name, and the block it came from if known."""

    error_type: str
    block_type: str | None = None


class Exit(BlockData):
    """The last event of a session."""

    block_type = "exit"
    event_class = "lifecycle"

    exit_code: int
    reason: str | None
    return_type: str
    return_value: str | None
    error_cause: ErrorCause | None = None

    def to_wire(self) -> dict[str, Any]:
        return self.model_dump(exclude={"error_cause"} if self.error_cause is None else None)
