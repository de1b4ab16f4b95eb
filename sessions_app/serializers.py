"""What the API takes and gives."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from sessions_app.models import Session


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

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class SessionCreateRequest(serializers.Serializer[Any]):
    app_id = TextField(max_length=255)


class UserInteraction(serializers.Serializer[Any]):
    blockId = TextField(max_length=255)  # noqa: N815 - the wire name
    value = AnyField(allow_null=True)
    blockType = TextField(max_length=255, allow_blank=True)  # noqa: N815


class PendingSerializer(serializers.Serializer[Any]):
    block_id = serializers.CharField()
    block_type = serializers.CharField()


class SessionState(serializers.ModelSerializer[Session]):
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
            "exit",
            "forked_from",
            "title",
            "divergence",
        ]


class AppSummary(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    path = serializers.ListField(child=serializers.CharField())
