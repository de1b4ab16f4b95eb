"""What a request carries: its JSON body, its query, and where its stream starts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import ParseError, UnsupportedMediaType, ValidationError

from sessions_app.parsing import body_of, query_of, resume_point
from sessions_app.serializers import EventsQuery, SessionCreateRequest, SessionListQuery
from tests.sessions_app.asgi_client import AsgiClient


def posted(body: bytes, content_type: str = "application/json") -> Any:
    return RequestFactory().generic("POST", "/", body, content_type)


# Bodies.


def test_body_gives_the_fields_that_are_known() -> None:
    request = posted(b'{"app_id": "an.app", "another": 1}')
    assert body_of(request, SessionCreateRequest()) == {"app_id": "an.app"}


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"]
)
def test_content_type_of_json(content_type: str) -> None:
    assert body_of(posted(b'{"app_id": "a"}', content_type), SessionCreateRequest()) == {"app_id": "a"}


@pytest.mark.parametrize(
    "content_type", ["", "text/json", "application/jsonx", "application/x-www-form-urlencoded"]
)
def test_other_content_types_are_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="application/json"):
        body_of(posted(b'{"app_id": "a"}', content_type), SessionCreateRequest())


@pytest.mark.parametrize(
    "body",
    [
        b'{"app_id": ',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"app_id": NaN}',
        b'{"app_id": 1e400}',
        b"[" * 100_000,
        b'{"app_id": "\\ud800"}',
        b"app_id=a",
    ],
)
def test_body_that_is_not_json(body: bytes) -> None:
    with pytest.raises(ParseError, match=r"The body is not JSON: .*\."):
        body_of(posted(body), SessionCreateRequest())


def test_body_that_does_not_validate() -> None:
    with pytest.raises(ValidationError) as raised:
        body_of(posted(b"[]"), SessionCreateRequest())
    assert raised.value.get_codes() == {"non_field_errors": ["invalid"]}


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"app_id": ', "application/json", (400, "parse_error")),
        (b"", "application/json", (400, "parse_error")),
        (b"\xff", "application/json", (400, "parse_error")),
        (b'{"app_id": NaN}', "application/json", (400, "parse_error")),
        (b"[" * 100_000, "application/json", (400, "parse_error")),
        (b'{"app_id": "\\ud800"}', "application/json", (400, "parse_error")),
        (b"{}", "application/json; charset=utf-8", (400, "invalid")),
        (b"{}", "text/plain", (415, "unsupported_media_type")),
        (b"app_id=a", "application/x-www-form-urlencoded", (415, "unsupported_media_type")),
        (b"{}", "", (415, "unsupported_media_type")),
    ],
)
async def test_refused_body_over_http(
    client: AsgiClient, body: bytes, content_type: str, expected: tuple[int, str]
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await client.call("POST", "/api/session", headers, [body])
    assert await response.refusal() == expected


async def test_unsupported_media_type_says_what_is_supported(client: AsgiClient) -> None:
    response = await client.call("POST", "/api/session", {"Content-Type": "text/plain"}, [b"{}"])
    assert "application/json" in (await response.json())["detail"]


# Queries.


def test_query_has_defaults() -> None:
    assert query_of(RequestFactory().get("/"), EventsQuery()) == {"after": 0, "limit": 500}


def test_last_of_each_name_in_a_query_counts() -> None:
    request = RequestFactory().get("/?limit=x&limit=3&after=1&unknown=1")
    assert query_of(request, EventsQuery()) == {"after": 1, "limit": 3}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=", "limit"),
        ("limit=1e2", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("status=", "status"),
        ("status=asleep", "status"),
        ("app_id=", "app_id"),
        ("app_id=%00", "app_id"),
        ("app_id=" + "x" * 256, "app_id"),
        ("cursor=", "cursor"),
        ("cursor=%C3%A9", "cursor"),
    ],
)
def test_query_that_does_not_validate_names_its_field(query: str, field: str) -> None:
    with pytest.raises(ValidationError) as raised:
        query_of(RequestFactory().get(f"/?{query}"), SessionListQuery())
    detail: Any = raised.value.detail
    assert list(detail) == [field]


# Where a stream starts.


@pytest.mark.parametrize(
    ("header", "query", "expected"),
    [
        (None, None, None),
        (None, "7", 7),
        ("7", None, 7),
        ("7", "3", 7),
        ("0", "3", 0),
        ("", "3", 0),
        ("x", "3", 0),
        ("-1", None, 0),
        ("+1", None, 0),
        ("1.0", None, 0),
        (" 7", None, 0),
        ("1_000", None, 0),
        ("\u0667", None, 0),
        ("007", None, 7),
        ("9" * 30, None, int("9" * 30)),
        ("9" * 100_000, None, 0),
    ],
)
def test_resume_point(header: str | None, query: str | None, expected: int | None) -> None:
    headers = {} if header is None else {"Last-Event-ID": header}
    parameters = {} if query is None else {"after": query}
    request = RequestFactory().get("/", parameters, headers=headers)
    assert resume_point(request) == expected
