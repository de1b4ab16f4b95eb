"""Whatever body is sent: no error of ours, no hang, one shape of refusal, and nothing lost in any log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.end_to_end.throwing import Thrower, header_bytes, post, thoroughly
from tests.raw_http import chunked, request, with_length

JSON = (b"Content-Type", b"application/json")
MIB = 1024 * 1024

FIELDS = {
    "POST /api/session": {"app_id"},
    "PATCH /api/session/{}": {"title"},
    "POST /api/session/{}/interaction": {"blockId", "value", "blockType"},
    "POST /api/session/{}/cancel": set(),  # takes no body, whatever it is
}
TAKING_A_BODY = [call for call in FIELDS if FIELDS[call]]

# What is thrown.

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text()
    | st.just("\ud800\0"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
documents = values.map(lambda value: json.dumps(value).encode())
content_types = st.sampled_from(
    [
        b"application/json",
        b"application/json;charset=utf-16",
        b"application/json; charset*=x'y'%41",
        b"text/x",
    ]
)

# Bodies.


@pytest.mark.parametrize("call", FIELDS)
@thoroughly
@given(body=st.binary(max_size=300) | documents, content_type=content_types | header_bytes)
def test_any_bytes_as_the_body(throw: Thrower, call: str, body: bytes, content_type: bytes) -> None:
    throw(post(call, throw.waiting, [(b"Content-Type", content_type)], body), FIELDS[call])


@pytest.mark.parametrize("call", FIELDS)
@thoroughly
@given(data=st.data())
def test_any_values_in_the_fields(throw: Thrower, call: str, data: st.DataObject) -> None:
    likely = st.sampled_from(["input_request-1", "steady.ask", "form", "text"])
    fields = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS[call], likely | values)))
    body = json.dumps(fields).encode()
    answer = throw(post(call, throw.waiting, [JSON], body), FIELDS[call])
    if answer.status == 400 and answer.json()["code"] == "invalid":
        missing = FIELDS[call] - fields.keys()
        assert missing <= answer.json()["errors"].keys()


@pytest.mark.parametrize("call", TAKING_A_BODY)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "parse_error"),
        (b"{", "parse_error"),
        (b"\xff\xfe\x00", "parse_error"),
        (b"[" * 10_000 + b"]" * 10_000, "parse_error"),
        (b'{"a": ' * 10_000 + b"1" + b"}" * 10_000, "parse_error"),
        (b'{"a": NaN}', "parse_error"),
        (b'{"a": -Infinity}', "parse_error"),
        (b'{"a": 1e400}', "parse_error"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "parse_error"),
        (b'{"a": "\\ud800"}', "parse_error"),
        (b'{"a": "\\u0000"}', "invalid"),
        (b'{"\\u0000": 1}', "invalid"),
        (b"{}", "invalid"),
        (b"[]", "invalid"),
        (b"null", "invalid"),
        (b'"text"', "invalid"),
        (b"{" + b",".join(b'"%d": 1' % number for number in range(50_000)) + b"}", "invalid"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_body_that_is_refused(throw: Thrower, call: str, body: bytes, code: str) -> None:
    answer = throw(post(call, throw.waiting, [JSON], body), FIELDS[call])
    assert (answer.status, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("content_type", [b"", b"text/plain", b"application/x-www-form-urlencoded", b"\xff"])
@pytest.mark.parametrize("call", TAKING_A_BODY)
def test_other_content_types_are_refused(throw: Thrower, call: str, content_type: bytes) -> None:
    headers = [(b"Content-Type", content_type)] if content_type else []
    assert throw(post(call, throw.waiting, headers, b"{}")).status == 415


@pytest.mark.parametrize(
    ("call", "field"), [(call, field) for call in FIELDS for field in sorted(FIELDS[call] - {"value"})]
)
@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, "x" * 256, "\0"])
def test_field_of_a_wrong_type_is_named(throw: Thrower, call: str, field: str, value: Any) -> None:
    body = dict.fromkeys(FIELDS[call], "text") | {field: value}
    answer = throw(post(call, throw.waiting, [JSON], json.dumps(body).encode()), FIELDS[call])
    assert (answer.status, list(answer.json()["errors"])) == (400, [field])
    assert answer.json()["detail"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("null", 200),
        ("1e308", 200),
        ("123456789012345678901234567890", 200),
        ("-0", 200),
        ('"\\ud83d\\ude00"', 200),
        ("[" * 100 + "]" * 100, 200),
        ("[" * 1000 + "]" * 1000, 400),
        ('"\\ud83d"', 400),
        ('"\\u0000"', 400),
        ('{"a": ["\\u0000"]}', 400),
        ("1e309", 400),
    ],
    ids=lambda value: str(value)[:20],
)
def test_value_of_an_answer(throw: Thrower, value: str, status: int) -> None:
    body = f'{{"blockId": "input_request-1", "blockType": "text", "value": {value}}}'
    sent = post("POST /api/session/{}/interaction", throw.waiting, [JSON], body.encode())
    assert throw(sent, {"value"}).status == status


LARGE = b'{"app_id": "' + b"x" * (MIB + 100_000) + b'"}'


@pytest.mark.parametrize("call", FIELDS)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_large_body_is_refused(throw: Thrower, call: str, is_chunked: bool) -> None:
    method, _, path = call.format(throw.waiting).partition(" ")
    length = [(b"Transfer-Encoding", b"chunked")] if is_chunked else with_length(LARGE)
    body = chunked(LARGE) if is_chunked else LARGE
    answer = throw(request(method.encode(), path.encode(), [JSON, *length], body))
    assert (answer.status, answer.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
def test_body_without_a_length_is_none(throw: Thrower, version: bytes) -> None:
    sent = request(b"POST", b"/api/session", [JSON], b'{"app_id": "steady.ask"}').replace(
        b"HTTP/1.1", version
    )
    assert throw(sent).status == 400


@pytest.mark.parametrize("body", [b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n", b"ffffffffffffffffff\r\n{}"])
def test_chunks_that_are_none(throw: Thrower, body: bytes) -> None:
    headers = [JSON, (b"Transfer-Encoding", b"chunked")]
    assert throw(request(b"POST", b"/api/session", headers, body)).status == 400
