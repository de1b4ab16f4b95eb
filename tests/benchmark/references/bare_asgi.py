"""A bare ASGI application: what the server itself can do, without Django and without a log.

`GET /flood?events=N&batch=B` streams N events as Server-Sent Events, B of them a write.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
# As long as an event of the benchmark's flooding app.
PAYLOAD = (
    b'{"event_class":"content","block_type":"markdown","block_id":"markdown-1","data":{"content":"012345678~"},'
    b'"timestamp":"2026-11-25T00:00:00.000000+00:00","chunk_id":100000,'
    b'"app":{"name":"flood.flood","instance_id":0},"parent_block_id":null}'
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    query = {name: int(values[0]) for name, values in parse_qs(scope["query_string"].decode()).items()}
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    for first in range(1, query["events"] + 1, query["batch"]):
        seqs = range(first, min(first + query["batch"], query["events"] + 1))
        body = b"".join(b"id: %d\ndata: %s\n\n" % (seq, PAYLOAD) for seq in seqs)
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
