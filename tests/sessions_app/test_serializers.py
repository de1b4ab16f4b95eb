"""What the API takes and gives: cursors, texts as they are, any JSON value but NUL."""

from __future__ import annotations

import datetime
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from sessions_app.models import Session
from sessions_app.serializers import (
    MAX_SEQ,
    AnyField,
    CursorField,
    EventsQuery,
    SessionCreateRequest,
    SessionListQuery,
    SessionRename,
    UserInteraction,
)

KEY = "00000000-0000-4000-8000-000000000000"


def errors(validate: Any, data: Any) -> Any:
    with pytest.raises(ValidationError) as raised:
        validate(data)
    return raised.value.get_codes()


# Cursors.


@given(st.datetimes(timezones=st.just(datetime.UTC)), st.uuids())
def test_cursor_leads_back_to_its_session(created_at: datetime.datetime, key: Any) -> None:
    cursor = CursorField().to_representation(Session(id=key, created_at=created_at))
    assert CursorField().run_validation(cursor) == (created_at, key)
    assert cursor.isascii()
    assert not set(cursor) & set("&?#+/ %")


@pytest.mark.parametrize(
    "place",
    [
        "",
        " ",
        KEY,
        f" {KEY}",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00+00:00 ",
        "2026-01-01T00:00:00+00:00 none",
        f"yesterday {KEY}",
        f"2026-13-01T00:00:00+00:00 {KEY}",
        f"0001-01-01T00:00:00+14:00 {KEY}",
        f"9999-12-31T23:59:59-14:00 {KEY}",
        "\0 \0",
        "\xff",
    ],
)
def test_cursor_of_another_make_is_refused(place: str) -> None:
    cursor = urlsafe_b64encode(place.encode("latin-1")).decode()
    assert errors(CursorField().run_validation, cursor) == ["invalid"]


@given(st.text() | st.binary().map(lambda place: urlsafe_b64encode(place).decode()))
def test_no_text_breaks_the_cursor(cursor: str) -> None:
    try:
        created_at, _ = CursorField().run_validation(cursor)
        assert created_at.tzinfo == datetime.UTC
    except ValidationError as error:
        assert error.get_codes() == ["invalid"]


# Texts.


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": 1}])
def test_only_a_string_is_a_text(value: Any) -> None:
    assert errors(SessionCreateRequest().run_validation, {"app_id": value}) == {"app_id": ["invalid"]}


def test_text_is_taken_as_it_is() -> None:
    assert SessionCreateRequest().run_validation({"app_id": " a\n "}) == {"app_id": " a\n "}


@pytest.mark.parametrize(
    ("title", "code"), [("x" * 256, "max_length"), ("a\0", "null_characters_not_allowed")]
)
def test_title_that_is_refused(title: str, code: str) -> None:
    assert errors(SessionRename().run_validation, {"title": title}) == {"title": [code]}


@pytest.mark.parametrize("title", ["", " ", "x" * 255, "\U0001f600"])
def test_title_that_is_taken(title: str) -> None:
    assert SessionRename().run_validation({"title": title}) == {"title": title}


# Any value.


@pytest.mark.parametrize("value", [None, "", 0, False, [], {}, {"a": [1, {"b": None}]}, "\U0001f600"])
def test_any_value_is_taken_as_it_is(value: Any) -> None:
    answer = {"blockId": "a", "value": value, "blockType": ""}
    assert UserInteraction().run_validation(answer) == answer


@pytest.mark.parametrize(
    "value", ["\0", "a\0b", ["\0"], {"\0": 1}, {"a": {"b": ["c", "\0"]}}, [[[{"a\0": []}]]]]
)
def test_nul_is_refused_wherever_it_is(value: Any) -> None:
    answer = {"blockId": "a", "value": value, "blockType": "text"}
    assert errors(UserInteraction().run_validation, answer) == {"value": ["nul"]}


def test_depth_of_a_value_does_not_matter() -> None:
    value: Any = "\0"
    for _ in range(10_000):
        value = [value]
    assert errors(AnyField().run_validation, value) == ["nul"]


def test_value_must_be_there() -> None:
    assert errors(UserInteraction().run_validation, {"blockId": "a", "blockType": ""}) == {
        "value": ["required"]
    }


# Bounds of queries.


@pytest.mark.parametrize(
    ("limit", "is_taken"), [(0, False), (1, True), (200, True), (201, False), (-1, False)]
)
def test_length_of_a_list_is_bounded(limit: int, is_taken: bool) -> None:
    if is_taken:
        assert SessionListQuery().run_validation({"limit": str(limit)})["limit"] == limit
    else:
        assert list(errors(SessionListQuery().run_validation, {"limit": str(limit)})) == ["limit"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"after": "-1"}, "after"),
        ({"after": str(MAX_SEQ + 1)}, "after"),
        ({"after": "9" * 2000}, "after"),
        ({"after": "soon"}, "after"),
    ],
)
def test_query_of_events_is_bounded(query: dict[str, str], field: str) -> None:
    assert list(errors(EventsQuery().run_validation, query)) == [field]
    assert EventsQuery().run_validation({"limit": "1000", "after": str(MAX_SEQ)})["after"] == MAX_SEQ
