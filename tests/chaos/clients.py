"""Clients that do not give up: one follows a session, one answers it, whatever happens to the server.

They do what the page does: come back with the last id they have, and repeat what was not
answered under the same Idempotency-Key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import orjson

from tests.chaos.plots import Asked, Plot, Question
from tests.chaos.story import Entry, Sent, logged

FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 1.0
ANSWER_SECONDS = (0.1, 0.6)  # how long the user thinks
DOUBLE_CLICKS = 0.1  # of all answers
READ_SECONDS = 30.0  # an idle stream has its heartbeat by then
EVENTS_LIMIT = 1000


def pauses(chance: Random) -> Iterator[float]:
    """How long to wait before the next try, in s: growing, and spread out."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause * chance.uniform(0.5, 1.0)
        pause = min(MAX_PAUSE_SECONDS, pause * 2)


class Api:
    """The calls that are repeated until the server answers them."""

    def __init__(self, http: httpx.AsyncClient, chance: Random) -> None:
        self.http = http
        self.chance = chance

    async def create(self, app_id: str) -> str:
        response = await self._post("/api/session", {"app_id": app_id}, self._key())
        return str(_json(response, 201)["session_id"])

    async def answer(self, session_id: str, body: dict[str, Any]) -> Sent:
        """Some users click twice: the same request again, before the first is answered."""
        path, key = f"/api/session/{session_id}/interaction", self._key()
        clicks = 2 if self.chance.random() < DOUBLE_CLICKS else 1
        responses = await asyncio.gather(*(self._post(path, body, key) for _ in range(clicks)))
        return Sent(body, "".join(each.text for each in responses if each.status_code != 200))

    async def log(self, session_id: str) -> list[Entry]:
        """All that the log shows."""
        entries: list[Entry] = []
        while True:
            query = {"after": entries[-1].seq if entries else 0, "limit": EVENTS_LIMIT}
            path = f"/api/session/{session_id}/events"
            page = _json(await self._answered("GET", path, params=query))["events"]
            if not page:
                return entries
            entries += map(logged, page)

    def _key(self) -> str:
        return f"{self.chance.getrandbits(128):032x}"

    async def _post(self, path: str, body: dict[str, Any], key: str) -> httpx.Response:
        return await self._answered("POST", path, json=body, headers={"Idempotency-Key": key})

    async def _answered(self, method: str, path: str, **options: Any) -> httpx.Response:
        for pause in pauses(self.chance):
            try:
                response = await self.http.request(method, path, **options)
            except httpx.TransportError:
                pass  # the server is gone, or was killed before it answered
            else:
                if not _is_passing(response):
                    return response
            await asyncio.sleep(pause)
        raise AssertionError("pauses never end")


def _is_passing(response: httpx.Response) -> bool:
    """Whether the same call may be answered otherwise later."""
    if response.status_code == 409:
        return bool(response.json()["code"] == "in_flight")
    return response.status_code >= 500


def _json(response: httpx.Response, status: int = 200) -> Any:
    if response.status_code != status:
        raise RuntimeError(
            f"{response.request.method} {response.url}: {response.status_code} {response.text}"
        )
    return response.json()


class Follower:
    """A stream in follow mode, opened again with the last id whenever it is cut; keeps all that it sees."""

    def __init__(self, http: httpx.AsyncClient, session_id: str, chance: Random) -> None:
        self.session_id = session_id
        self.seen: list[Entry] = []
        self.cuts = 0
        self._http = http
        self._chance = chance
        self._pending: set[str] = set()
        self._has_ended = False
        self._wakeup = asyncio.Event()

    @property
    def position(self) -> int:
        return self.seen[-1].seq if self.seen else 0

    async def follow(self) -> None:
        """Until the server says, at or behind the exit, that there is no more."""
        waits = pauses(self._chance)
        while True:
            position = self.position
            try:
                if await self._read():
                    break
            except httpx.TransportError:
                pass  # it was cut; what is missing comes with the next one
            self.cuts += 1
            if self.position > position:
                waits = pauses(self._chance)
            await asyncio.sleep(next(waits))
        self._has_ended = True
        self._wakeup.set()

    async def is_asked(self, question: Question) -> bool:
        """Waits until the session waits for all prompts of the question; False if it ends before."""
        while not {asked.prompt.block_id for asked in question} <= self._pending:
            if self._has_ended:
                return False
            self._wakeup.clear()
            await self._wakeup.wait()
        return True

    async def _read(self) -> bool:
        """One stream; whether it came to the session's end."""
        path, resume = f"/api/session/{self.session_id}/stream", {"Last-Event-ID": str(self.position)}
        query = {"follow": "true"}
        async with self._http.stream("GET", path, params=query, headers=resume) as response:
            if response.status_code == 204:
                return True
            if response.status_code >= 500:
                return False
            if response.status_code != 200:
                raise RuntimeError(f"{response.url}: {response.status_code} {await response.aread()!r}")
            await self._take_all(response)
        return bool(self.seen) and b'"block_type":"exit"' in self.seen[-1].payload

    async def _take_all(self, response: httpx.Response) -> None:
        rest = b""
        async for data in response.aiter_raw():
            *messages, rest = (rest + data).split(b"\n\n")
            for message in messages:
                self._take(message)

    def _take(self, message: bytes) -> None:
        fields = dict(line.split(b": ", 1) for line in message.split(b"\n") if line[:1] != b":")
        if b"data" not in fields:
            return  # a comment, or how long to wait before coming back
        kind = fields.get(b"event", b"event").decode()
        if b"id" in fields:
            self.seen.append(Entry(int(fields[b"id"]), kind, fields[b"data"]))
        elif kind == "status":
            self._pending = {prompt["block_id"] for prompt in orjson.loads(fields[b"data"])["pending"]}
            self._wakeup.set()


async def answer_all(api: Api, follower: Follower, plot: Plot, sent: list[Sent]) -> None:
    """Answer the plot's questions as they are asked; `sent` keeps what the server said to each answer."""
    for question in plot.questions:
        if not await follower.is_asked(question):
            return
        for body in bodies(question, api.chance):
            await asyncio.sleep(api.chance.uniform(*ANSWER_SECONDS))
            sent.append(await api.answer(follower.session_id, body))


def bodies(question: Question, chance: Random) -> Iterator[dict[str, Any]]:
    """The interactions that answer a question: for a layout one or, as old clients do, two."""
    layouts = question[0].prompt.layouts
    if not layouts:
        (prompt, value) = question[0]
        yield {"blockId": prompt.block_id, "value": value, "blockType": prompt.block_type}
        return
    cut = chance.randrange(len(question))
    for part in filter(None, (question[:cut], question[cut:])):
        yield {"blockId": layouts[-1], "value": list(map(_field, part)), "blockType": "form"}


def _field(asked: Asked) -> dict[str, Any]:
    prompt, value = asked
    return {"sub_block_id": prompt.block_id, "sub_block_type": prompt.block_type, "value": value}
