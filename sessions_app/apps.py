"""Django's entry for sessions: their log, their runners, their API."""

from django.apps import AppConfig
from django.core import checks

from sessions_app.checks import check_settings


class SessionsConfig(AppConfig):
    name = "sessions_app"
    verbose_name = "Sessions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_settings)
