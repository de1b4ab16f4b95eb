"""The ordeal: sessions are played one after the other at many places, while their server is killed."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from uuid import UUID

import httpx

from tests.chaos import plots, story
from tests.chaos.clients import READ_SECONDS, Api, Follower, answer_all
from tests.chaos.killing import Killer
from tests.chaos.plots import APPS, Plot
from tests.chaos.report import Report
from tests.chaos.story import Execution, Finding, Sent, Wrong
from tests.server import ServerProcess

APP_PAUSE_SECONDS = 0.01
END_SECONDS = 90.0  # by then every session has ended after the last kill
LAST_ENTRIES = 5
LOG_TAIL = 4000  # characters


@dataclass
class Life:
    """One session as its clients live it."""

    plot: Plot
    follower: Follower
    sent: list[Sent] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"session {self.follower.session_id} of {self.plot.app_id}"


class Ordeal:
    """One server, `sessions` places at which sessions are played, and a killer."""

    def __init__(self, folder: Path, *, sessions: int, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._places = sessions
        self._effects = folder / "effects"
        self._effects.touch()
        self._server = ServerProcess(
            folder,
            YERA_APPS_DIRS=str(APPS),
            CHAOS_EFFECTS_FILE=str(self._effects),
            CHAOS_PAUSE_SECONDS=str(APP_PAUSE_SECONDS),
        )
        self._killer = Killer(self._server, Random(f"{seed} kills"))
        self._numbers = count(1)
        self._begun: set[str] = set()
        self._lives: list[Life] = []
        self._is_over = False
        self._report = Report(seed)

    async def go_through(self, kills: int) -> Report:
        """Play and kill; every session ends before this does, or is a finding."""
        began = time.monotonic()
        plots.install()
        await asyncio.to_thread(self._server.start)
        try:
            async with _http(self._server.url) as http:
                await self._play_and_kill(http, kills)
            await asyncio.to_thread(self._judge_what_is_left)
        finally:
            await asyncio.to_thread(self._server.dispose)
        self._report.add(seconds=round(time.monotonic() - began))
        return self._report

    async def _play_and_kill(self, http: httpx.AsyncClient, kills: int) -> None:
        places = [asyncio.create_task(self._play_on(http)) for _ in range(self._places)]
        try:
            for _ in range(kills):
                await asyncio.to_thread(self._killer.strike)
                _raise_failed(places)
            self._is_over = True
            _, late = await asyncio.wait(places, timeout=END_SECONDS)
            _raise_failed(places)
            if late:
                await self._find_stalls(http, len(late))
        finally:
            for place in places:
                place.cancel()
            await asyncio.gather(*places, return_exceptions=True)

    async def _play_on(self, http: httpx.AsyncClient) -> None:
        """One place: a session after the other, until the killing is over."""
        while True:
            await self._play(http, next(self._numbers))
            if self._is_over:
                return

    async def _play(self, http: httpx.AsyncClient, number: int) -> None:
        """One session, from its creation to the judgement of its story."""
        chance = Random(f"{self._seed} session {number}")
        plot = await plots.plot(chance.choice(plots.APP_IDS), f"s{number}", chance)
        api = Api(http, chance)
        session_id = await api.create(plot.app_id)
        self._begun.add(session_id)
        life = Life(plot, Follower(http, session_id, chance))
        self._lives.append(life)
        async with asyncio.TaskGroup() as clients:
            clients.create_task(life.follower.follow())
            clients.create_task(answer_all(api, life.follower, plot, life.sent))
        self._judge(life, await api.log(session_id))
        self._lives.remove(life)

    def _judge(self, life: Life, log: list[story.Entry]) -> None:
        seen, sent, report = life.follower.seen, life.sent, self._report
        report.find(story.judge_client(seen, log), life.name)
        report.find(story.judge_story(log, life.plot.events), life.name)
        report.find(story.judge_answers(sent, log), life.name)
        report.add(sessions=1, entries_seen=len(seen), reconnects=life.follower.cuts)
        report.add(retracts=sum(entry.kind == "retract" for entry in log))
        report.add(interactions_sent=len(sent))
        report.add(interactions_accepted=sum(not each.refusal for each in sent))
        exits = (event["data"]["exit_code"] for event in story.live(log) if event["block_type"] == "exit")
        report.exits.update(exits)

    async def _find_stalls(self, http: httpx.AsyncClient, late: int) -> None:
        async with asyncio.timeout(READ_SECONDS):
            stalls = [(await self._stall(http, life), life.name) for life in list(self._lives)]
        for finding, name in stalls:
            self._report.find([finding], name)
        if len(stalls) < late:
            text = "The server does not answer POST /api/session."
            self._report.find([Finding(Wrong.NO_END, text, late - len(stalls))], "sessions without an id")

    async def _stall(self, http: httpx.AsyncClient, life: Life) -> Finding:
        """A session that goes on, with what a developer needs to know of it."""
        api = Api(http, Random(0))
        session_id = life.follower.session_id
        state, log = await api.state(session_id), await api.log(session_id)
        lines = [
            f"status {state['status']}, pending {state['pending']}, last_seq {state['last_seq']}",
            f"its client has seen up to {life.follower.position}; {len(life.sent)} interactions were sent",
            *map(str, log[-LAST_ENTRIES:]),
            self._server.log[-LOG_TAIL:],
        ]
        return Finding(Wrong.NO_END, "\n  ".join(lines))

    def _judge_what_is_left(self) -> None:
        """What is known only once all sessions have ended: processes, steps and rows."""
        report = self._report
        outlived = [Finding(Wrong.OUTLIVED, str(runner)) for runner in self._killer.survivors()]
        report.find(outlived, "after its server was killed")
        executions, recorded = list(self._executions()), dict(self._recorded_steps())
        report.find(story.judge_steps(executions, recorded), "steps")
        report.add(steps_recorded=len(recorded), steps_executed=len(executions))
        for session_id in self._sessions() - self._begun:
            report.find([Finding(Wrong.CREATED_TWICE, "nobody was told its id")], f"session {session_id}")
        kills = self._killer.counts
        report.add(kills=kills.total(), **{f"kills, {kill.value}": kills[kill] for kill in kills})

    def _executions(self) -> Iterator[Execution]:
        for line in self._effects.read_text().splitlines():
            executed, key = line.split(" ")
            yield Execution(key, float(executed))

    def _recorded_steps(self) -> Iterator[tuple[str, float]]:
        """The time of each step's entry in the log, by idempotency key."""
        query = "SELECT session_id, step, created_at FROM sessions_app_logentry WHERE kind = 'step'"
        for session_id, step, created_at in self._rows(query):
            recorded = datetime.fromisoformat(created_at).replace(tzinfo=UTC)
            yield f"{UUID(session_id)}:{step}", recorded.timestamp()

    def _sessions(self) -> set[str]:
        return {str(UUID(row[0])) for row in self._rows("SELECT id FROM sessions_app_session")}

    def _rows(self, query: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self._folder / "db.sqlite3")) as database:
            return database.execute(query).fetchall()


def _http(url: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx.AsyncClient(base_url=url, timeout=READ_SECONDS, limits=limits, trust_env=False)


def _raise_failed(places: list[asyncio.Task[None]]) -> None:
    """Playing itself must not fail: what is wrong is a finding."""
    for place in places:
        if place.done():
            place.result()
