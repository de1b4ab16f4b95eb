"""The clients of `make chaos` keep what they are sent as it came, and repeat what was not answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Any

import httpx
import orjson
import pytest

from apps_app.pending import PendingPrompt
from tests.chaos import clients
from tests.chaos.clients import Api, Follower, bodies
from tests.chaos.plots import Asked

CUT = httpx.ReadError("cut")
Reply = httpx.Response | httpx.TransportError


class Stream(httpx.AsyncByteStream):
    """The body of a stream: these pieces, then perhaps a cut."""

    def __init__(self, *pieces: bytes | httpx.TransportError) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, httpx.TransportError):
                raise piece
            yield piece


class Script(httpx.AsyncBaseTransport):
    """A server that gives one reply after the other, whatever it is asked."""

    def __init__(self, *replies: Reply) -> None:
        self.requests: list[httpx.Request] = []
        self._replies = iter(replies)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = next(self._replies)
        if isinstance(reply, httpx.TransportError):
            raise reply
        return reply

    @property
    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url="http://server", transport=self)


def streamed(*pieces: bytes | httpx.TransportError) -> httpx.Response:
    return httpx.Response(200, stream=Stream(*pieces))


def message(seq: int, **data: Any) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (seq, orjson.dumps(data))


EXIT = {"block_type": "exit"}
STATUS = b'event: status\ndata: {"status": "waiting", "pending": [{"block_id": "slider-1"}]}\n\n'
SLIDER = PendingPrompt(block_id="slider-1", block_type="slider", min_value=0, max_value=9)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(clients, "DOUBLE_CLICKS", 0)


async def followed(script: Script) -> Follower:
    follower = Follower(script.client, "s", Random(1))
    await follower.follow()
    return follower


async def test_follower_comes_back_with_its_last_id_until_the_exit() -> None:
    script = Script(
        streamed(b": keep-alive\n\n", STATUS, message(1, n=1), message(3, n=3)[:9], CUT),
        httpx.ConnectError("down"),
        httpx.Response(503),
        streamed(message(3, n=3), b"retry: 300\n\n"),
        streamed(message(4, **EXIT)),
    )
    follower = await followed(script)
    assert [entry.seq for entry in follower.seen] == [1, 3, 4]
    assert [request.headers["Last-Event-ID"] for request in script.requests] == ["0", "1", "1", "1", "3"]
    assert follower.cuts == 4


async def test_follower_keeps_what_it_should_not_have_been_sent() -> None:
    retract = b'event: retract\nid: 2\ndata: {"from_seq":1,"to_seq":1}\n\n'
    pieces = [message(5, n=5), message(5, n=5), retract, message(1, n=1), message(6, **EXIT)]
    follower = await followed(Script(streamed(*pieces)))
    assert [(entry.seq, entry.kind) for entry in follower.seen] == [
        (5, "event"),
        (5, "event"),
        (2, "retract"),
        (1, "event"),
        (6, "event"),
    ]
    assert follower.seen[2].payload == b'{"from_seq":1,"to_seq":1}'


async def test_follower_that_was_cut_behind_the_exit_asks_whether_there_is_more() -> None:
    script = Script(streamed(message(1, **EXIT), CUT), httpx.Response(204))
    assert (await followed(script)).position == 1
    assert len(script.requests) == 2


@pytest.mark.parametrize(("status", "is_asked"), [(STATUS, True), (b"", False)])
async def test_follower_knows_what_is_asked(status: bytes, is_asked: bool) -> None:
    follower = await followed(Script(streamed(status, message(1, **EXIT))))
    assert await follower.is_asked([Asked(SLIDER, 1)]) == is_asked


def refusal(code: str) -> httpx.Response:
    return httpx.Response(409, json={"detail": "", "code": code})


def keys(script: Script) -> set[str]:
    return {request.headers["Idempotency-Key"] for request in script.requests}


async def test_answer_is_repeated_under_its_key() -> None:
    script = Script(httpx.ReadError("cut"), httpx.Response(500), refusal("in_flight"), httpx.Response(200))
    sent = await Api(script.client, Random(1)).answer("s", {"value": 1})
    assert sent == ({"value": 1}, "")
    assert len(script.requests) == 4
    assert len(keys(script)) == 1


async def test_answer_that_is_refused_is_kept_as_that() -> None:
    sent = await Api(Script(refusal("not_pending")).client, Random(1)).answer("s", {"value": 1})
    assert "not_pending" in sent.refusal


async def test_double_click_is_refused_if_one_of_both_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "DOUBLE_CLICKS", 1)
    script = Script(httpx.Response(200), refusal("not_pending"))
    sent = await Api(script.client, Random(1)).answer("s", {"value": 1})
    assert "not_pending" in sent.refusal
    assert len(keys(script)) == 1


async def test_log_is_read_to_its_end() -> None:
    pages = [[{"seq": 1, "kind": "event", "n": 1}, {"seq": 3, "kind": "event", "n": 3}], []]
    script = Script(*(httpx.Response(200, json={"events": page}) for page in pages))
    assert await Api(script.client, Random(1)).log("s") == [
        (1, "event", b'{"n":1}'),
        (3, "event", b'{"n":3}'),
    ]
    assert [request.url.params["after"] for request in script.requests] == ["0", "3"]


def test_lone_prompt_is_answered_by_its_name() -> None:
    assert list(bodies([Asked(SLIDER, 3)], Random(1))) == [
        {"blockId": "slider-1", "value": 3, "blockType": "slider"}
    ]


def test_layout_is_answered_whole_or_in_two_parts() -> None:
    question = [Asked(prompt_in("form-1", number), number) for number in range(3)]
    found = {tuple(map(fields, bodies(question, Random(seed)))) for seed in range(50)}
    assert found == {((0, 1, 2),), ((0,), (1, 2)), ((0, 1), (2,))}


def prompt_in(layout: str, number: int) -> PendingPrompt:
    return PendingPrompt(block_id=f"input_request-{number}", block_type="input_request", layouts=[layout])


def fields(body: dict[str, Any]) -> tuple[int, ...]:
    assert (body["blockId"], body["blockType"]) == ("form-1", "form")
    return tuple(field["value"] for field in body["value"])
