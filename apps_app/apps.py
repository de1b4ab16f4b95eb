"""Django's entry for the catalogue of apps and the author API."""

from django.apps import AppConfig


class AppsConfig(AppConfig):
    name = "apps_app"
    verbose_name = "Apps"
    default_auto_field = "django.db.models.BigAutoField"
