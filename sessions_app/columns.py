"""Values as the columns of our tables hold them, for the statements that the ORM is too slow to build."""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection

from sessions_app.models import LogEntry, Session


def prepared(model: type[Session] | type[LogEntry], name: str, value: Any) -> Any:
    """What a statement is given for this column."""
    if type(value) is int:
        return value  # as it is, for every column that takes one
    return _field(model, name).get_db_prep_save(value, connection)


# Each commit writes the same time many times, and each session writes its id in every one of its commits.


@lru_cache(maxsize=8)
def prepared_time(time: datetime.datetime) -> Any:
    """What a statement is given for a column that holds a time."""
    return _field(LogEntry, "created_at").get_db_prep_save(time, connection)


@lru_cache(maxsize=4096)
def prepared_id(session_id: UUID) -> Any:
    """What a statement is given for a column that holds a session's id."""
    return _field(Session, "id").get_db_prep_save(session_id, connection)


def json_of(name: str, value: Any) -> Any:
    """What a JSON column of a session holds, from what a statement gave for it."""
    return _field(Session, name).from_db_value(value, None, connection)


@lru_cache(maxsize=64)
def _field(model: type[Session] | type[LogEntry], name: str) -> Any:
    return model._meta.get_field(name)
