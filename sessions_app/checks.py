"""Start-up checks: a setting that cannot work is refused with a sentence that says what to set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from sessions_app.conf import Conf


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """One error per setting that does not read."""
    errors: list[CheckMessage] = []
    for setting in Conf.all():
        try:
            setting.read()
        except ImproperlyConfigured as error:
            hint = f"{setting.purpose} The default is {setting.default}."
            errors.append(Error(str(error), hint=hint, id=setting.check_id))
    return errors
