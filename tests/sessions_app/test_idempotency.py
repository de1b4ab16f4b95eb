"""The `Idempotency-Key`: what keys there are, whose they are, and which of them are in flight."""

from __future__ import annotations

import uuid

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from sessions_app.authentication import Caller
from sessions_app.exceptions import RequestInFlight
from sessions_app.idempotency import HEADER, MAX_LENGTH, KeysInFlight, creation_key, idempotency_key
from sessions_app.models import LogEntry, Session
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.playing import APP_ID

VISITOR = uuid.UUID(int=1)


def key_of(value: str) -> str:
    return idempotency_key(RequestFactory().post("/", headers={HEADER: value}))


# The header.


def test_request_without_a_key() -> None:
    assert idempotency_key(RequestFactory().post("/")) == ""


@pytest.mark.parametrize("value", ["x", "a b", '"8e03978e"', "~!", "x" * MAX_LENGTH])
def test_key_is_taken_as_it_is(value: str) -> None:
    assert key_of(value) == value


@given(value=st.text(st.characters(max_codepoint=255), max_size=MAX_LENGTH + 1))
def test_any_header_is_a_key_or_is_refused(value: str) -> None:
    is_key = 0 < len(value) <= MAX_LENGTH and value.isascii() and value.isprintable()
    if is_key:
        assert key_of(value) == value
    else:
        with pytest.raises(ValidationError):
            key_of(value)


@pytest.mark.parametrize("value", ["", "\x1f", "a\nb", "key\n", "\x7f", "\0", "é", "x" * (MAX_LENGTH + 1)])
async def test_malformed_key_is_refused_on_both_calls(waiting: str, client: AsgiClient, value: str) -> None:
    sender = AsgiClient({HEADER: value})
    for response in (
        await sender.post("/api/session", {"app_id": APP_ID}),
        await sender.answer(waiting, "input_request-1", "me"),
    ):
        assert response.status == 400
        assert await response.json() == {
            "detail": "Idempotency-Key: Send 1 to 200 printable ASCII characters.",
            "code": "invalid",
            "errors": {HEADER: ["Send 1 to 200 printable ASCII characters."]},
        }


# Whose it is.


def test_each_caller_has_keys_of_their_own() -> None:
    callers = [
        Caller(1),
        Caller(11),
        Caller(2, VISITOR),
        Caller(None, VISITOR),
        Caller(None, uuid.UUID(int=2)),
        Caller(),
    ]
    kept = {creation_key(caller, key) for caller in callers for key in ("a" * 16, "b" * 16)}
    assert len(kept) == 2 * len(callers)
    assert creation_key(Caller(1, VISITOR), "a") == creation_key(Caller(1), "a"), "a user's, in any browser"


def test_key_of_a_caller_who_is_nobody_must_be_unguessable() -> None:
    creation_key(Caller(), "x" * 16)
    with pytest.raises(ValidationError, match="16 characters or more"):
        creation_key(Caller(), "x" * 15)
    for caller in (Caller(1), Caller(None, VISITOR)):
        creation_key(caller, "x")


@pytest.mark.parametrize("caller", [Caller(2**63 - 1), Caller(None, VISITOR), Caller()])
def test_longest_key_fits_its_columns(caller: Caller) -> None:
    key = "x" * MAX_LENGTH
    for model, kept in ((Session, creation_key(caller, key)), (LogEntry, key)):
        max_length = model._meta.get_field("idempotency_key").max_length
        assert max_length is not None
        assert len(kept) <= max_length


# In flight.


def test_key_in_flight_is_refused_until_its_first_request_is_done() -> None:
    keys = KeysInFlight()
    with keys.claim("a"), keys.claim("b"):
        with pytest.raises(RequestInFlight), keys.claim("a"):
            raise AssertionError("not to be reached")
        with pytest.raises(RequestInFlight), keys.claim("a"):
            raise AssertionError("the refused one has not freed it")
    with keys.claim("a"):
        pass


def test_key_is_free_again_when_its_request_fails() -> None:
    keys = KeysInFlight()
    with pytest.raises(ZeroDivisionError), keys.claim("a"):
        raise ZeroDivisionError
    with keys.claim("a"):
        pass


def test_requests_without_a_key_do_not_meet() -> None:
    keys = KeysInFlight()
    with keys.claim(None), keys.claim(None):
        pass
