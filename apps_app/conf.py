"""The settings of apps_app: typed, and read when asked for, so that an override works at once."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings


class AppsConf:
    @property
    def apps_dirs(self) -> list[Path]:
        """`YERA_APPS_DIRS`: the folders of app files as absolute paths, each once, first wins."""
        names = filter(None, getattr(settings, "YERA_APPS_DIRS", "").split(os.pathsep))
        return list(dict.fromkeys(Path(name).expanduser().absolute() for name in names))


conf = AppsConf()
