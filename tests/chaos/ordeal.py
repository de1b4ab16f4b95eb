"""The ordeal: sessions are played one after the other at many places, while their server is killed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import httpx

from tests.chaos import plots, story
from tests.chaos.clients import READ_SECONDS, Api, Follower, answer_all
from tests.chaos.killing import Killer
from tests.chaos.plots import APPS, Plot
from tests.chaos.records import Records
from tests.chaos.report import Report
from tests.chaos.story import Finding, Sent, Wrong
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
        self._seed = seed
        self._places = sessions
        self._records = Records(folder)
        self._server = ServerProcess(
            folder,
            YERA_APPS_DIRS=str(APPS),
            CHAOS_EFFECTS_FILE=str(self._records.effects),
            CHAOS_PAUSE_SECONDS=str(APP_PAUSE_SECONDS),
        )
        self._killer = Killer(self._server, Random(f"{seed} kills"))
        self._numbers = count(1)
        self._begun: set[str] = set()
        self._lives: list[Life] = []
        self._is_over = False
        self._report = Report(seed)

    def go_through(self, kills: int) -> Report:
        """Play and kill; every session ends before this does, or is a finding."""
        began = time.monotonic()
        plots.install()
        try:
            self._server.start()
            asyncio.run(self._play_and_kill(kills))
            self._judge_what_is_left()
        finally:
            self._server.dispose()
        self._report.add(seconds=round(time.monotonic() - began))
        return self._report

    @property
    def log_tail(self) -> str:
        return self._server.log[-LOG_TAIL:]

    async def _play_and_kill(self, kills: int) -> None:
        async with _http(self._server.url) as http, asyncio.TaskGroup() as group:
            places = [group.create_task(self._play_on(http)) for _ in range(self._places)]
            for _ in range(kills):
                await asyncio.to_thread(self._killer.strike)
            self._is_over = True
            _, late = await asyncio.wait(places, timeout=END_SECONDS)
            if late:
                await self._find_stalls(http, len(late))
            for place in late:
                place.cancel()

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
        session_id = life.follower.session_id
        log = await Api(http, Random(0)).log(session_id)
        lines = [
            str(self._records.session(session_id)),
            f"its client has seen up to {life.follower.position}, and sent {len(life.sent)} interactions",
            *map(str, log[-LAST_ENTRIES:]),
        ]
        return Finding(Wrong.NO_END, "\n  ".join(lines))

    def _judge_what_is_left(self) -> None:
        """What is known only once all sessions have ended: processes, steps and rows."""
        report = self._report
        outlived = [Finding(Wrong.OUTLIVED, str(runner)) for runner in self._killer.survivors()]
        report.find(outlived, "after its server was killed")
        if self._killer.stuck:
            report.find([Finding(Wrong.STUCK, "see its log", self._killer.stuck)], "the server")
        executions, recorded = list(self._records.executions()), self._records.steps()
        report.find(story.judge_steps(executions, recorded), "steps")
        report.add(steps_recorded=len(recorded), steps_executed=len(executions))
        for session_id in self._records.session_ids() - self._begun:
            report.find([Finding(Wrong.CREATED_TWICE, "nobody was told its id")], f"session {session_id}")
        kills = self._killer.counts
        report.add(kills=kills.total(), **{f"kills, {kill.value}": kills[kill] for kill in kills})


def _http(url: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx.AsyncClient(base_url=url, timeout=READ_SECONDS, limits=limits, trust_env=False)
