"""What the API takes and gives."""

from __future__ import annotations

import datetime
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from rest_framework import serializers

from sessions_app.models import Session, Status

MAX_SEQ = 2**63 - 1


class TextField(serializers.CharField):
    """A JSON string, taken as it is; DRF's own field would also take a number and trim blanks."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class AnyField(serializers.Field[Any, Any, Any, Any]):
    """Any JSON value, as it was parsed; DRF's own field would encode it again to see whether it can."""

    default_error_messages = {"nul": r"The character NUL (\u0000) cannot be kept; leave it out."}

    def to_internal_value(self, data: Any) -> Any:
        if any("\0" in text for text in _texts(data)):
            self.fail("nul")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


def _texts(value: Any) -> Iterator[str]:
    """All strings in a JSON value, keys too, however deep it is nested."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            left += item
        elif isinstance(item, dict):
            left += item
            left += item.values()


class CursorField(serializers.Field[Any, Any, Any, Any]):
    """A place in a list of sessions, newest first: after the session with this time and id."""

    default_error_messages = {"invalid": "Not a cursor of this list; send `next` as it was given."}

    def to_internal_value(self, data: Any) -> tuple[datetime.datetime, UUID]:
        try:
            created_at, _, key = urlsafe_b64decode(data).decode().partition(" ")
            return datetime.datetime.fromisoformat(created_at).astimezone(datetime.UTC), UUID(key)
        except (ValueError, OverflowError):
            self.fail("invalid")

    def to_representation(self, value: Session) -> str:
        """The cursor that goes on after this session."""
        return urlsafe_b64encode(f"{value.created_at.isoformat()} {value.id}".encode()).decode()


class SessionCreateRequest(serializers.Serializer[Any]):
    app_id = TextField(max_length=255)


class UserInteraction(serializers.Serializer[Any]):
    blockId = TextField(max_length=255)  # noqa: N815 - the wire name
    value = AnyField(allow_null=True)
    blockType = TextField(max_length=255, allow_blank=True)  # noqa: N815


class SessionRename(serializers.Serializer[Any]):
    title = TextField(max_length=255, allow_blank=True)


class SessionListQuery(serializers.Serializer[Any]):
    """The query of the list of sessions."""

    status = serializers.ChoiceField(choices=Status.choices, required=False)
    app_id = TextField(max_length=255, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = CursorField(required=False)


class EventsQuery(serializers.Serializer[Any]):
    """The query of a session's events."""

    after = serializers.IntegerField(min_value=0, max_value=MAX_SEQ, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=500)


class PendingSerializer(serializers.Serializer[Any]):
    block_id = serializers.CharField()
    block_type = serializers.CharField()


class SessionSummary(serializers.ModelSerializer[Session]):
    """A session as it stands in a list."""

    session_id = serializers.UUIDField(source="id")
    app_id = serializers.CharField()
    pending = PendingSerializer(many=True)
    forked_from = serializers.UUIDField(source="forked_from_id", allow_null=True)

    class Meta:
        model = Session
        fields = [
            "session_id",
            "app_id",
            "status",
            "pending",
            "last_seq",
            "created_at",
            "updated_at",
            "finished_at",
            "forked_from",
            "title",
        ]


class SessionState(SessionSummary):
    """All that there is to know of a session but its log."""

    class Meta(SessionSummary.Meta):
        fields = [*SessionSummary.Meta.fields, "exit", "divergence"]


class AppSummary(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    path = serializers.ListField(child=serializers.CharField())


class AppDetail(AppSummary):
    inputs = serializers.JSONField(source="inputs_schema")
