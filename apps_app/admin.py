"""The catalogue of apps in the admin, and the read-only pages that operators' rows have."""

from __future__ import annotations

from typing import Any

import orjson
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import Truncator

from apps_app.models import App

SHORT_ERROR = 80  # characters of a load error in the list


def preformatted(text: str) -> str:
    """Text as it is, line by line; the admin's dash for none."""
    return format_html('<pre class="shown">{}</pre>', text) if text else "-"


def readable_json(value: Any) -> str:
    """JSON data, indented; the admin's dash for none."""
    return preformatted(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else "")


class OperatorAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # takes a parameter in the stubs only
    """Rows that the server makes: none can be added here."""

    show_full_result_count = False

    class Media:
        css = {"all": ["apps_app/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(App)
class AppAdmin(OperatorAdmin):
    """Operators switch apps on and off, and limit their time; the rest comes from the app files."""

    list_display = ("id", "name", "active", "short_load_error", "folders")
    list_filter = ("active",)
    search_fields = ("id", "name")
    fields = (
        "active",
        "max_run_seconds",
        "max_wait_seconds",
        "max_life_seconds",
        "id",
        "name",
        "description",
        "folders",
        "entry_point",
        "code_hash",
        "whole_load_error",
        "inputs",
    )
    readonly_fields = fields[4:]
    actions = ("activate", "deactivate")

    def has_delete_permission(self, request: HttpRequest, obj: App | None = None) -> bool:
        return False  # sessions refer to them

    @admin.display(description="path")
    def folders(self, app: App) -> str:
        return " / ".join(app.path) or "-"

    @admin.display(description="load error")
    def short_load_error(self, app: App) -> str:
        return Truncator(app.load_error.partition("\n")[0]).chars(SHORT_ERROR)

    @admin.display(description="load error")
    def whole_load_error(self, app: App) -> str:
        return preformatted(app.load_error)

    @admin.display(description="inputs")
    def inputs(self, app: App) -> str:
        return readable_json(app.inputs_schema)

    @admin.action(description="Activate selected apps", permissions=["change"])
    def activate(self, request: HttpRequest, apps: QuerySet[App]) -> None:
        self._switch(request, apps, active=True)

    @admin.action(description="Deactivate selected apps: no new sessions", permissions=["change"])
    def deactivate(self, request: HttpRequest, apps: QuerySet[App]) -> None:
        self._switch(request, apps, active=False)

    def save_model(self, request: HttpRequest, obj: App, form: Any, change: bool) -> None:
        obj.save(update_fields=form.changed_data)  # the apps may be seeded anew at this moment

    def _switch(self, request: HttpRequest, apps: QuerySet[App], *, active: bool) -> None:
        word = "active" if active else "inactive"
        switched = list(apps.exclude(active=active))
        apps.update(active=active)
        for app in switched:
            self.log_change(request, app, f"Made {word}.")
        self.message_user(request, f"Made {word}: {len(switched)}.")
