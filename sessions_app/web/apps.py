"""Django's entry for the built-in page: its templates and static modules."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "sessions_app.web"
    label = "web"
