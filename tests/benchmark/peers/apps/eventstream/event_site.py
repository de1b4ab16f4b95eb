"""A Django project with django-eventstream alone: `POST /send?count=N` sends so many times of now."""

import os
import time

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="benchmark",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_eventstream"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": "events.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            },
        }
    },
    **({"EVENTSTREAM_STORAGE_CLASS": os.environ["STORAGE"]} if os.environ.get("STORAGE") else {}),
    LOGGING_CONFIG=None,
    USE_TZ=True,
)
django.setup()

import django_eventstream  # noqa: E402 - needs the settings
from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402


def send(request: HttpRequest) -> JsonResponse:
    for _ in range(int(request.GET["count"])):
        django_eventstream.send_event("times", "message", time.monotonic())
    return JsonResponse({}, headers={"Content-Length": "2"})


urlpatterns = [
    path("send", send),
    path("events/", include(django_eventstream.urls), {"channels": ["times"]}),
]

call_command("migrate", verbosity=0)
application = get_asgi_application()
