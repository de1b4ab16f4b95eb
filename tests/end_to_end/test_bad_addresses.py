"""Whatever method, address, query or header is sent: refused in order, and nothing lost in any log."""

from __future__ import annotations

import uuid
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.end_to_end.throwing import Thrower, header_bytes, thoroughly
from tests.raw_http import request, until_closed, with_length
from tests.server import ServerProcess

JSON = (b"Content-Type", b"application/json")
UNKNOWN = str(uuid.UUID(int=7))
QUERIES = {
    "/api/session": {"status", "app_id", "limit", "cursor"},
    "/api/session/{}/events": {"after", "limit"},
    "/api/session/{}/stream": {"after", "follow"},
}

escaped = st.binary(max_size=40).map(lambda raw: quote(raw, safe="").encode())
printable = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#"), max_size=40)
addressed = escaped | printable.map(str.encode)


@pytest.mark.parametrize(
    "path", ["/api/session", f"/api/session/{UNKNOWN}/stream", "/api/apps", "/api/", "/health"]
)
@pytest.mark.parametrize(
    "method", [b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"MKCOL", b"CONNECT", b"FOO", b"get"]
)
def test_other_methods(throw: Thrower, method: bytes, path: str) -> None:
    assert throw(request(method, path.encode())).status in (400, 404, 405)


@pytest.mark.parametrize(
    "path", ["/api/session/{}", "/api/session/{}/stream", "/api/session/{}/events", "/api/apps/{}"]
)
@thoroughly
@given(key=addressed)
def test_any_id(throw: Thrower, path: str, key: bytes) -> None:
    assume(key)
    answer = throw(request(b"GET", path.encode().replace(b"{}", key)))
    assert answer.status in (400, 404)


@pytest.mark.parametrize(
    "key", [b"%", b"%zz", b"%c3", b"%ff%fe", b"%00", b"%ed%a0%80", b"%0a", b"%2f", b"\xff"]
)
@pytest.mark.parametrize("path", [b"/api/session/%s", b"/api/apps/%s", b"/api/session/%s/stream", b"/api/%s"])
def test_malformed_escapes(throw: Thrower, path: bytes, key: bytes) -> None:
    assert throw(request(b"GET", path % key)).status in (400, 404)


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path in QUERIES for name in sorted(QUERIES[path])]
)
@thoroughly
@given(value=addressed | st.integers(-(10**30), 10**30).map(lambda number: b"%d" % number))
def test_any_query(throw: Thrower, witness: str, path: str, name: str, value: bytes) -> None:
    target = path.format(witness).encode() + b"?" + name.encode() + b"=" + value
    answer = throw(request(b"GET", target), QUERIES[path])
    assert answer.status == 200 or (answer.status == 400 and not path.endswith("stream"))


@pytest.mark.parametrize(
    "path", ["/api/session", f"/api/session/{UNKNOWN}/stream", f"/api/session/{UNKNOWN}/events"]
)
def test_thousands_of_query_fields(throw: Thrower, path: str) -> None:
    query = "&".join(f"f{number}=1" for number in range(5000))
    assert throw(request(b"GET", f"{path}?{query}".encode())).status == 400


HEADERS = [
    b"Last-Event-ID",
    b"Cookie",
    b"Authorization",
    b"X-CSRFToken",
    b"Origin",
    b"Referer",
    b"Accept",
    b"Range",
    b"X-Forwarded-For",
    b"X-Forwarded-Proto",
    b"Access-Control-Request-Method",
]


@pytest.mark.parametrize("name", HEADERS)
@thoroughly
@given(value=header_bytes, prefix=st.sampled_from([b"", b"Token ", b'sessionid="\\000', b"http://[", b"9"]))
def test_any_header(throw: Thrower, witness: str, name: bytes, value: bytes, prefix: bytes) -> None:
    header = (name, prefix + value)
    for target in (b"/api/session", b"/api/session/%s/stream" % witness.encode()):
        assert throw(request(b"GET", target, [header])).status in (200, 400, 401)
    sent = request(b"POST", b"/api/session", [header, (b"Cookie", b"sessionid=abcdefgh; csrftoken=x")])
    assert throw(sent).status in (400, 401, 415)


@thoroughly
@given(value=header_bytes)
def test_any_idempotency_key(throw: Thrower, witness: str, value: bytes) -> None:
    """It is refused, or else the call is."""
    for path, body in (
        (b"/api/session", b'{"app_id": "no.such.app"}'),
        (b"/api/session/%s/interaction" % witness.encode(), b'{"blockId": "x", "value": 1, "blockType": ""}'),
    ):
        headers = [JSON, *with_length(body), (b"Idempotency-Key", value)]
        answer = throw(request(b"POST", path, headers, body), {"Idempotency-Key"})
        assert answer.status in (400, 404, 409)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"Host", b"elsewhere.example")],
        [(b"Host", b"\xff")],
        [(b"Content-Length", b"-1")],
        [(b"Content-Length", b"2"), (b"Content-Length", b"3")],
        [(b"Content-Length", b"2"), (b"Transfer-Encoding", b"chunked")],
        [(b"Transfer-Encoding", b"gzip")],
        [(b"Na me", b"x")],
        [(b"X", b"a\0b")],
        [(b"X", b"x" * 300_000)],
    ],
    ids=lambda headers: str(headers[0])[:40],
)
def test_headers_that_contradict_http(throw: Thrower, headers: list[tuple[bytes, bytes]]) -> None:
    sent = request(b"POST", b"/api/session", [JSON, *headers], b"{}")
    if headers[0][0] == b"Host":
        sent = sent.replace(b"Host: localhost\r\n", b"")
    assert throw(sent).status == 400


@thoroughly
@given(sent=st.binary(max_size=200), is_ended=st.booleans())
def test_any_bytes_at_all(server: ServerProcess, witness: str, sent: bytes, is_ended: bool) -> None:
    answered = until_closed(server.port, sent + (b"\r\n\r\n" if is_ended else b""))
    assert answered == b"" or answered.startswith(b"HTTP/1.1 400 ")
