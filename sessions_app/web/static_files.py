"""Static files without a bundler: what is collected, and the hashed names under which browsers keep it.

Our ES modules (`web/*.js`) import each other and the libraries (`vendor/`) by relative URL; collecting them
writes the hashed names into those imports. They must not import in a circle: a hash would hang on itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.checks import CheckMessage, Error
from whitenoise.storage import CompressedManifestStaticFilesStorage

MISSING_LIBRARIES_ID = "sessions_app.E020"


class UsedStaticFiles(StaticFilesConfig):
    """Django's static files, collected without those that no page asks for: a start waits for it."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "rest_framework",  # its browsable API, which we do not serve
        "redoc",
        "*.map",
        "*.ts",
        "*.mts",
        "*.cjs.js",
    ]


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed names for what was collected; plain ones for the rest, which is served from where it lies.

    So pages render before anything is collected, and an error page can never fail over a file.
    """

    manifest_strict = False
    support_js_module_import_aggregation = True
    # `import ... from` and the like, in our modules alone: what looks so in a library's code may be none.
    # Not `import("...")`, which our modules use for types in comments, where circles are fine.
    _js_module_import_aggregation_patterns = (
        "web/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1][:3],
    )
    # URLs in style sheets, without the references to source maps, which are not collected.
    patterns = (("*.css", HashedFilesMixin.patterns[0][1][:2]),)

    def stored_name(self, name: str) -> str:
        try:
            stored: str = super().stored_name(name)
        except ValueError:  # neither in the manifest nor in STATIC_ROOT
            return name
        return stored


def check_libraries(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """One error that names the folders of JavaScript libraries that are not there."""
    folders = (Path(folder) for _, folder in settings.STATICFILES_DIRS)
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if not missing:
        return []
    message = f"The page's JavaScript libraries are not installed: no {', '.join(missing)}."
    return [Error(message, hint="Run `make node_modules`, or `npm ci`.", id=MISSING_LIBRARIES_ID)]
