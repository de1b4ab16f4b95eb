"""Values as the columns of our tables hold them, for the statements that the ORM is too slow to build."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import connection

from sessions_app.models import LogEntry, Session


def prepared(model: type[Session] | type[LogEntry], name: str, value: Any) -> Any:
    """What a statement is given for this column."""
    return _field(model, name).get_db_prep_save(value, connection)


def json_of(name: str, value: Any) -> Any:
    """What a JSON column of a session holds, from what a statement gave for it."""
    return _field(Session, name).from_db_value(value, None, connection)


@lru_cache(maxsize=64)
def _field(model: type[Session] | type[LogEntry], name: str) -> Any:
    return model._meta.get_field(name)
