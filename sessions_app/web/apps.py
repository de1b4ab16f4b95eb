"""Django's entry for the built-in page: its templates and static modules."""

from django.apps import AppConfig
from django.core import checks

from sessions_app.web.static_files import check_libraries


class WebConfig(AppConfig):
    name = "sessions_app.web"
    label = "web"

    def ready(self) -> None:
        checks.register(check_libraries, checks.Tags.staticfiles)
