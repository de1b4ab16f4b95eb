"""The start-up check: every setting that cannot work is reported under its own id."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks

from sessions_app.conf import Conf, Setting

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it supports


def test_ids_and_names_are_unique() -> None:
    assert len({setting.check_id for setting in Conf.all()}) == len(Conf.all())
    assert len({setting.name for setting in Conf.all()}) == len(Conf.all())


@pytest.mark.parametrize("setting", Conf.all(), ids=lambda setting: setting.name)
@pytest.mark.parametrize("raw", ["nonsense", -1, None])
def test_bad_setting_is_reported(settings: Any, setting: Setting[Any], raw: Any) -> None:
    setattr(settings, setting.name, raw)
    (error,) = run_checks()
    assert error.id == setting.check_id
    assert error.msg.startswith(f"{setting.name} must be")
    assert error.msg.endswith(f"not {raw!r}.")
    assert error.hint == f"{setting.purpose} The default is {setting.default}."


def test_all_bad_settings_are_reported_at_once(settings: Any) -> None:
    for setting in Conf.all():
        setattr(settings, setting.name, "nonsense")
    assert [error.id for error in run_checks()] == [setting.check_id for setting in Conf.all()]
