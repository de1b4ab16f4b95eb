"""Throws anything at the shared server, and sees that what comes back is in order."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.raw_http import Answer, exchange, request, with_length
from tests.server import ServerProcess

NON_FIELD_ERRORS = "non_field_errors"

thoroughly = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Bytes that a header's value may have.
header_bytes = st.binary(max_size=60).map(
    lambda raw: bytes(byte for byte in raw if byte >= 32 and byte != 127)
)


class Thrower:
    """Sends to the shared server; each answer must be in order."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._client = server.client()
        self._waiting = ""

    @property
    def waiting(self) -> str:
        """A session that waits for a text, another one after it was answered or ended."""
        if not self._waiting or self._client.state(self._waiting)["status"] != "waiting":
            self._waiting = self._client.create("steady.ask")
            self._client.turn(self._waiting)
        return self._waiting

    def __call__(self, sent: bytes, fields: set[str] | None = None) -> Answer:
        answer = exchange(self._server.port, sent)
        assert answer.status < 500, (sent, answer)
        if answer.status >= 400 and not sent.startswith(b"HEAD "):
            assert_one_shape(answer, fields or set())
        return answer


def assert_one_shape(answer: Answer, fields: set[str]) -> None:
    if answer.content == b"Invalid HTTP request received.":
        return  # the HTTP parser's own: it never came to the application
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert body.keys() - {"errors"} == {"detail", "code"}
    assert body["detail"].endswith(".")
    assert ("errors" in body) == (body["code"] == "invalid")
    assert body.get("errors", {}).keys() <= fields | {NON_FIELD_ERRORS}


def post(call: str, session: str, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    method, _, path = call.format(session).partition(" ")
    return request(method.encode(), path.encode(), [*headers, *with_length(body)], body)
