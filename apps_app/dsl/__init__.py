"""The author API: in an app file, `import yera as yr` gives this module."""

from apps_app.dsl.app import app
from apps_app.dsl.charts import bar_chart, line_chart
from apps_app.dsl.control import achat, chat, exit, quit, workspace
from apps_app.dsl.layout import columns, container, form
from apps_app.dsl.output import action, markdown, spinner
from apps_app.dsl.prompts import (
    abuttons,
    adate_picker,
    aslider,
    atext_input,
    buttons,
    date_picker,
    slider,
    text_input,
)
from apps_app.dsl.recorded import asleep, now, random, sleep, uuid
from apps_app.dsl.runtime import StepError, UsageError
from apps_app.dsl.steps import astep, idempotency_key, step
from apps_app.dsl.tables import table

__all__ = [
    "StepError",
    "UsageError",
    "abuttons",
    "achat",
    "action",
    "adate_picker",
    "app",
    "asleep",
    "aslider",
    "astep",
    "atext_input",
    "bar_chart",
    "buttons",
    "chat",
    "columns",
    "container",
    "date_picker",
    "exit",
    "form",
    "idempotency_key",
    "line_chart",
    "markdown",
    "now",
    "quit",
    "random",
    "sleep",
    "slider",
    "spinner",
    "step",
    "table",
    "text_input",
    "uuid",
    "workspace",
]
