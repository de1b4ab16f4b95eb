"""The messages of the stream as components of the API's description, made from the blocks' own models."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from pydantic.json_schema import models_json_schema

from apps_app.blocks import BlockData
from sessions_app.models import Kind, Status
from sessions_app.openapi import SESSION_ID

SEQ = {"type": "integer", "minimum": 1, "description": "Its place in the session's log"}


REFERENCE = "#/components/schemas/{model}"
STREAM_TEXT = """
Each message's `data` is a JSON document; its `id` is the entry's `seq`, the resume point. Without an
`event` field it is an `Event`. Only with `follow=true` there are also `interaction` (an `Interaction`),
`retract` (a `Retract`) and `status` (a `StatusMessage`, without id). Comments keep the connection alive;
`retry` says when to come back after the server has stopped.
"""
STREAM_EXAMPLE = """id: 7
data: {"event_class":"content","block_type":"markdown","block_id":"markdown-1","data":{"content":"Hello"},\
"timestamp":"2026-11-23T00:06:09.960180+00:00","chunk_id":1,"app":{"name":"greet.greet","instance_id":0},\
"parent_block_id":null}

"""
STREAM_PARAMETERS = [
    SESSION_ID,
    OpenApiParameter("after", str, description="The seq to go on after; 0, or malformed: all from the start"),
    OpenApiParameter("follow", str, description="`true`: stay open over all turns"),
    OpenApiParameter(
        "Last-Event-ID", str, OpenApiParameter.HEADER, description="As `after`, over which it wins"
    ),
]
STREAM_ANSWERS = {
    (200, "text/event-stream"): OpenApiResponse(
        {"$ref": REFERENCE.format(model="StreamMessage")},
        description=STREAM_TEXT,
        examples=[OpenApiExample("An event", value=STREAM_EXAMPLE, response_only=True)],
    ),
    204: OpenApiResponse(description="The resume point is at or past the exit: there is no more to come."),
}
EVENTS_ANSWER = {
    "type": "object",
    "description": "In order, from after `after`; `last_seq` is the log's end. None: there are no more.",
    "properties": {
        "events": {"type": "array", "items": {"$ref": "#/components/schemas/LogEvent"}},
        "last_seq": {"type": "integer", "minimum": 0},
    },
    "required": ["events", "last_seq"],
}


def add_event_components(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular."""
    result["components"]["schemas"].update(_components())
    return result


def reference(model: str) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model)}


def _components() -> dict[str, Any]:
    blocks = sorted(_blocks(BlockData), key=lambda block: block.block_type)
    _, data = models_json_schema(
        [(block, "validation") for block in blocks], by_alias=True, ref_template=REFERENCE
    )
    return {
        **data["$defs"],
        **{f"{block.__name__}Event": _event(block) for block in blocks},
        "Event": {
            "description": "One chunk of one block; those of one block_id are appended.",
            "oneOf": [reference(f"{block.__name__}Event") for block in blocks],
            "discriminator": {
                "propertyName": "block_type",
                "mapping": {
                    block.block_type: REFERENCE.format(model=f"{block.__name__}Event") for block in blocks
                },
            },
        },
        "Interaction": _object(
            {"blockId": {"type": "string"}, "value": {}, "blockType": {"type": "string"}},
            "What was answered, as it was posted.",
        ),
        "Retract": _object(
            {"from_seq": SEQ, "to_seq": SEQ},
            "The server has given up an unfinished step: what it showed from one seq to the other is void.",
        ),
        "StatusMessage": _object(
            {
                "status": {"enum": Status.values},
                "pending": {"type": "array", "items": reference("Pending")},
                "divergence": {"type": ["object", "null"]},
            },
            "How the session stands now; has no id, since it is no entry of the log.",
        ),
        "StreamMessage": {
            "description": "One message of the stream, as its fields say.",
            "oneOf": [
                _message("message", "Event", has_id=True),
                _message(Kind.INTERACTION, "Interaction", has_id=True),
                _message(Kind.RETRACT, "Retract", has_id=True),
                _message("status", "StatusMessage", has_id=False),
            ],
        },
        "LogEvent": {
            "description": "An entry of the log: its seq and kind, beside what the stream sends as data.",
            "oneOf": [
                _entry(Kind.EVENT, "Event"),
                _entry(Kind.INTERACTION, "Interaction"),
                _entry(Kind.RETRACT, "Retract"),
            ],
        },
    }


def _blocks(base: type[BlockData]) -> list[type[BlockData]]:
    """Every kind of block there is: the classes that name their block type themselves."""
    found = [base] if "block_type" in vars(base) else []
    return found + [block for child in base.__subclasses__() for block in _blocks(child)]


def _event(block: type[BlockData]) -> dict[str, Any]:
    return _object(
        {
            "event_class": {"const": block.event_class},
            "block_type": {"const": block.block_type},
            "block_id": {"type": "string"},
            "data": reference(block.__name__),
            "timestamp": {"type": "string", "format": "date-time"},
            "chunk_id": {"type": "integer", "minimum": 1},
            "app": _object({"name": {"type": "string"}, "instance_id": {"type": "integer"}}),
            "parent_block_id": {"type": ["string", "null"]},
        }
    )


def _message(name: str, model: str, *, has_id: bool) -> dict[str, Any]:
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": reference(model)}
    fields: dict[str, Any] = {"event": {"const": str(name)}, "data": data}
    if has_id:
        fields["id"] = {"type": "string", "pattern": "^[1-9][0-9]*$"}
    return _object(fields)


def _entry(kind: Kind, model: str) -> dict[str, Any]:
    return {"allOf": [_object({"seq": SEQ, "kind": {"const": kind.value}}), reference(model)]}


def _object(properties: dict[str, Any], description: str = "") -> dict[str, Any]:
    described = {"description": description} if description else {}
    return {**described, "type": "object", "properties": properties, "required": list(properties)}
