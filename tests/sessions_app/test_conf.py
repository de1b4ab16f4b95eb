"""The settings: their types and bounds, and where they come from."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from sessions_app.conf import Access, Conf, conf
from tests.server import ROOT


def test_defaults_hold() -> None:
    assert [setting.read() for setting in Conf.all()] == [setting.default for setting in Conf.all()]


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("heartbeat_seconds", "0.5", 0.5),
        ("heartbeat_seconds", 3, 3.0),
        ("poll_seconds", "0", 0.0),
        ("database_threads", " 7 ", 7),
        ("max_body_bytes", 1, 1),
    ],
)
def test_value_or_its_text_is_read_at_each_use(settings: Any, name: str, raw: Any, value: float) -> None:
    setattr(settings, f"YERA_{name.upper()}", raw)
    read = getattr(conf, name)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("raw", ["soon", "", None, "nan", "inf", float("inf"), -1, "0"])
def test_what_is_no_duration_is_refused(settings: Any, raw: Any) -> None:
    settings.YERA_HEARTBEAT_SECONDS = raw
    with pytest.raises(ImproperlyConfigured, match=r"YERA_HEARTBEAT_SECONDS must be a number of at least"):
        _ = conf.heartbeat_seconds


@pytest.mark.parametrize("raw", ["1.5", 1.5, "many", None, float("inf"), float("nan"), 0])
def test_what_is_no_count_is_refused(settings: Any, raw: Any) -> None:
    settings.YERA_DATABASE_THREADS = raw
    with pytest.raises(ImproperlyConfigured, match=r"YERA_DATABASE_THREADS must be a whole number of at le"):
        _ = conf.database_threads


@pytest.mark.parametrize("access", list(Access))
def test_access_is_one_of_its_words(settings: Any, access: Access) -> None:
    settings.YERA_ACCESS = str(access)
    assert conf.access is access


@pytest.mark.parametrize("raw", ["", "OPEN", "closed", None, True])
def test_no_other_word_opens_the_server(settings: Any, raw: Any) -> None:
    settings.YERA_ACCESS = raw
    with pytest.raises(ImproperlyConfigured, match="YERA_ACCESS must be open or login, not"):
        _ = conf.access


def test_environment_is_read() -> None:
    """In a process of its own, since Django reads its settings once."""
    code = "import django; django.setup(); from sessions_app.conf import conf; print(repr(conf.poll_seconds))"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "yera_project.settings", "YERA_POLL_SECONDS": "7"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "7.0\n"
