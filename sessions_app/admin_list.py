"""What the admin's list of sessions finds, and in which order: nothing but what an index serves.

A page costs the same however many sessions there are: none is counted, passed over or sorted that is
not among the first LISTED of what was asked for.
"""

from __future__ import annotations

import re
from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from sessions_app.models import Session, SessionQuerySet

LISTED = 5000  # sessions that the pages lead to
SHORT_ID = 8  # characters of an id that tell it from the others


class FirstPages(Paginator):  # type: ignore[type-arg] # takes a parameter in the stubs only
    """Pages of the first LISTED rows; no more are counted."""

    @cached_property
    def count(self) -> int:
        return cast(QuerySet[Session], self.object_list)[:LISTED].count()


class StatusFilter(admin.ChoicesFieldListFilter):
    """The field's own filter, in the words of the indexes."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session] | None:
        if not self.lookup_val:
            return super().queryset(request, queryset)
        return cast(SessionQuerySet, queryset).of_status(self.lookup_val[-1])


class SessionList(ChangeList):
    """The list, without the columns that it does not show and that may be large."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> SessionQuerySet:
        return cast(SessionQuerySet, super().get_queryset(request, *args, **kwargs)).summarised()

    def get_ordering_field(self, field_name: Any) -> Any:
        """What a column is sorted by; nothing where no index would serve, whoever asks for it."""
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None


def found(sessions: SessionQuerySet, words: str) -> SessionQuerySet:
    """Those of the user with this name, or else those whose id begins so; all of them without words."""
    if not words:
        return sessions
    # One question or the other: no index would serve both at once in the order of the list.
    users = get_user_model()._default_manager
    if user := users.filter(**{get_user_model().USERNAME_FIELD: words}).first():
        return sessions.of_user(user.pk)
    return sessions.filter(id__range=ids_from(words))


def ids_from(beginning: str) -> tuple[UUID, UUID]:
    """The first and the last id that begin so, with or without dashes; a range of none for what is no id."""
    digits = beginning.replace("-", "").lower()
    if not re.fullmatch(f"[0-9a-f]{{{SHORT_ID},32}}", digits):
        return UUID(int=1), UUID(int=0)
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
