"""What the API takes and gives."""

from __future__ import annotations

import datetime
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
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


@extend_schema_field(OpenApiTypes.ANY)
class AnyField(serializers.Field[Any, Any, Any, Any]):
    """Any JSON value, as it was parsed; DRF's own field would encode it again to see whether it can."""

    default_error_messages = {"nul": r"The character NUL (\u0000) cannot be kept; leave it out."}

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return None if data is None else super().run_validation(data)  # null is a value like any other

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


@extend_schema_field(OpenApiTypes.STR)
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


class Refusal(serializers.Serializer[Any]):
    """What every refusal says: a sentence, a code, and what is wrong with which field."""

    detail = serializers.CharField()
    code = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]  # no Refusal is ever validated
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


class SessionCreateRequest(serializers.Serializer[Any]):
    app_id = TextField(max_length=255)


class UserInteraction(serializers.Serializer[Any]):
    blockId = TextField(max_length=255)  # noqa: N815 - the wire name
    value = AnyField()
    blockType = TextField(max_length=255, allow_blank=True)  # noqa: N815


class SessionRename(serializers.Serializer[Any]):
    title = TextField(max_length=255, allow_blank=True)


class SessionForkRequest(serializers.Serializer[Any]):
    after = serializers.IntegerField(min_value=0, max_value=MAX_SEQ)


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


class Pending(serializers.Serializer[Any]):
    """A prompt that waits for its answer."""

    block_id = serializers.CharField()
    block_type = serializers.CharField()


class SessionSummary(serializers.ModelSerializer[Session]):
    """A session as it stands in a list."""

    session_id = serializers.UUIDField(source="id")
    app_id = serializers.CharField()
    pending = Pending(many=True)
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
        read_only_fields = fields


class SessionPage(serializers.Serializer[Any]):
    """A stretch of the list of sessions; `next` is the cursor of the one after it, null at the end."""

    sessions = SessionSummary(many=True)
    next = serializers.CharField(allow_null=True)


@extend_schema_field({"oneOf": [{"$ref": "#/components/schemas/Exit"}, {"type": "null"}]})
class ExitField(AnyField):
    """The data of the exit event, null while there is none."""


@extend_schema_field(
    {
        "oneOf": [
            {
                "type": "object",
                "properties": {"seq": {"type": "integer"}, "recorded": {}, "attempted": {}},
                "required": ["seq", "recorded", "attempted"],
            },
            {"type": "null"},
        ]
    }
)
class DivergenceField(AnyField):
    """Where a replay left the log, null if it has not."""


class SessionState(SessionSummary):
    """All that there is to know of a session but its log."""

    exit = ExitField()
    divergence = DivergenceField()

    class Meta(SessionSummary.Meta):
        fields = [*SessionSummary.Meta.fields, "exit", "divergence"]
        read_only_fields = fields


class AppSummary(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    path = serializers.ListField(child=serializers.CharField())


class AppDetail(AppSummary):
    inputs = serializers.JSONField(source="inputs_schema")


class AppPage(serializers.Serializer[Any]):
    apps = AppSummary(many=True)


class CreateSessionResponse(serializers.Serializer[Any]):
    session_id = serializers.UUIDField()


class AddInteractionResponse(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["received"])
    session_id = serializers.UUIDField()


class DeployConfig(serializers.Serializer[Any]):
    deploy_available = serializers.BooleanField()


class Health(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["healthy", "ready"])
    service = serializers.CharField()
