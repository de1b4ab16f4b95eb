"""The app that the tests of verifying record, and what more than one of them changes it to."""

from __future__ import annotations

import os

import apps_app.dsl as yr


def work() -> str:
    return "worked"


def original() -> str:
    yr.markdown("one")
    yr.step(work)
    name = yr.text_input("Who?")
    yr.markdown("two")
    return name


def raises() -> str:
    yr.markdown("one")
    raise ValueError("not today")


def crashes() -> str:
    os._exit(7)
