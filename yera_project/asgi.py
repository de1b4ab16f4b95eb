"""The ASGI application: the session API on its lean handler, all else on Django's own."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yera_project.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from sessions_app.asgi import SessionServer  # noqa: E402 - needs the apps loaded

application = SessionServer(django_application)
