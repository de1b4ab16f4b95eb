"""Settings, from the environment; what is not set works on one machine."""

import os
from pathlib import Path
from tempfile import gettempdir

import environ
from corsheaders.defaults import default_headers
from csp.constants import NONE, SELF

from yera_project.secret_key import kept_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or kept_secret_key(BASE_DIR / ".secret_key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_CREDENTIALS = True
CORS_URLS_REGEX = r"^/(api/|health$|ready$)"  # no other origin has any business in pages and admin
SESSION_COOKIE_SECURE = env.bool("SESSION_COOKIE_SECURE", default=False)
CSRF_COOKIE_SECURE = env.bool("CSRF_COOKIE_SECURE", default=SESSION_COOKIE_SECURE)
CORS_ALLOW_HEADERS = (*default_headers, "last-event-id", "cache-control", "idempotency-key")

INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",  # first: runserver leaves static files to whitenoise, too
    "daphne",  # it replaces runserver
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "sessions_app.web.static_files.UsedStaticFiles",
    "channels",
    "corsheaders",
    "csp",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "apps_app",
    "sessions_app",
    "sessions_app.web",
]

# For the admin and the pages; the session API has its own short chain (yera_project/asgi.py).
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# What an app or its user says may never run: scripts come from our own files alone.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

ROOT_URLCONF = "yera_project.urls"
ASGI_APPLICATION = "yera_project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": env.float("SQLITE_TIMEOUT_SECONDS", default=20.0),
        # NORMAL survives every kill of a process, not a power cut; FULL survives both.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA cache_size=-16000; "
        f"PRAGMA synchronous={env.str('SQLITE_SYNCHRONOUS', default='NORMAL')};",
    }
    # Several connections share a test's database, so it must be a file; one of its own for each test run.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(gettempdir()) / f"yera-test-{os.getpid()}.sqlite3")}

CHANNEL_LAYERS = {"default": {"BACKEND": "sessions_app.channel_layer.LocalChannelLayer"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [
    (f"vendor/{name}", BASE_DIR / "node_modules" / name / folder)
    for name, folder in (("marked", "lib"), ("dompurify", "dist"), ("uplot", "dist"))
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "sessions_app.web.static_files.HashedStaticFiles"},
}
WHITENOISE_USE_FINDERS = True  # for what was not collected
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    # As sessions_app/authentication.py knows callers; here for the API's description.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Yera Sessions",
    "DESCRIPTION": "Durable sessions of interactive apps: start one, stream it, answer it. Every refusal has "
    "the one shape `Refusal`; a method that a path does not have is a 405 with `Allow`.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "sessions_app.openapi_events.add_event_components",
    ],
    "ENUM_NAME_OVERRIDES": {"SessionStatus": "sessions_app.models.Status.choices"},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}

YERA_DISPATCH = "sessions_app.dispatch.local.LocalDispatch"

# Every other YERA_* variable; sessions_app/conf.py gives each its type, bounds and default.
globals().update({name: value for name, value in env.ENVIRON.items() if name.startswith("YERA_")})
