"""The `Idempotency-Key` of a POST: a request that is sent again with its key gets the first answer again.

The key is kept on the row that the request made, so that a refusal keeps none, and is unique there:
of requests that race in several processes, one makes its row.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from django.http import HttpRequest
from rest_framework.exceptions import ValidationError

from sessions_app.authentication import Caller
from sessions_app.exceptions import RequestInFlight

HEADER = "Idempotency-Key"
MAX_LENGTH = 200  # with whose it is in front, it fits its column
UNGUESSABLE_LENGTH = 16
PRINTABLE = re.compile(r"[ -~]+")


def idempotency_key(request: HttpRequest) -> str:
    """The key that a request came with, empty if it has none; raises ValidationError."""
    key = request.headers.get(HEADER)
    if key is None:
        return ""
    if len(key) > MAX_LENGTH or not PRINTABLE.fullmatch(key):
        raise ValidationError({HEADER: [f"Send 1 to {MAX_LENGTH} printable ASCII characters."]})
    return key


def creation_key(caller: Caller, key: str) -> str:
    """The key as a session that it made keeps it: each user and visitor has keys of their own.

    Whoever is neither shares theirs with all others who are neither, and gets what the first of
    them made: raises ValidationError for a key that another might hit upon.
    """
    if caller.user_id is not None:
        return f"user {caller.user_id}:{key}"
    if caller.visitor is not None:
        return f"visitor {caller.visitor}:{key}"
    if len(key) < UNGUESSABLE_LENGTH:
        problem = f"Without a sign-in or the visitor cookie, send {UNGUESSABLE_LENGTH} characters or more."
        raise ValidationError({HEADER: [problem]})
    return anyones_key(key)


def anyones_key(key: str) -> str:
    """The key as a session keeps it whose creator was neither a user nor a visitor yet."""
    return f"anyone:{key}"


class KeysInFlight:
    """The keys whose first request this process still carries out. For its event loop alone."""

    def __init__(self) -> None:
        self._keys: set[Hashable] = set()

    @contextmanager
    def claim(self, key: Hashable | None) -> Iterator[None]:
        """Raises RequestInFlight while another has the key; None is free for all."""
        if key is None:
            yield
            return
        if key in self._keys:
            raise RequestInFlight
        self._keys.add(key)
        try:
            yield
        finally:
            self._keys.remove(key)
