"""The event: one chunk of one block, and its JSON form on the wire and in the log.

Whatever text or number an app produces becomes storable here, and only here.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import orjson

from apps_app.blocks import BlockData

INSTANCE_ID = 0  # the protocol knows one instance of an app per session


@dataclass(slots=True)  # not frozen: that takes seven times as long to make, and a flood makes many
class Event:
    """One chunk. `chunk_id` counts from 1 per handle; `parent_block_id` is the enclosing layout."""

    block_id: str
    chunk_id: int
    data: BlockData
    app_name: str
    parent_block_id: str | None = None

    def to_json(self) -> bytes:
        """The event as compact UTF-8 JSON, stamped with the time of the call: what clients get."""
        data = self.data
        return encode_json(
            {
                "event_class": data.event_class,
                "block_type": data.block_type,
                "block_id": self.block_id,
                "data": data.to_wire(),
                "timestamp": datetime.datetime.now(datetime.UTC),
                "chunk_id": self.chunk_id,
                "app": {"name": self.app_name, "instance_id": INSTANCE_ID},
                "parent_block_id": self.parent_block_id,
            }
        )


def encode_json(value: Any) -> bytes:
    """`value` as JSON that every database stores and every client reads.

    NaN and infinities become null; NUL and lone surrogates become U+FFFD; an integer beyond
    64 bits becomes its decimal text.
    """
    try:
        encoded = orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(storable(value))
    if b"\\u0000" in encoded:
        return orjson.dumps(storable(value))
    return encoded


def storable(value: Any) -> Any:
    """JSON data, or one text, as `encode_json` makes it; NaN and infinities are left to the encoder."""
    match value:
        case str():
            # Through UTF-16, so that a surrogate *pair* becomes the character it stands for.
            text = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            return text.replace("\0", "\ufffd")
        case bool():
            return value
        case int():
            return value if -(2**63) <= value < 2**64 else str(value)
        case dict():
            return {storable(key): storable(item) for key, item in value.items()}
        case list() | tuple():
            return [storable(item) for item in value]
        case _:
            return value
