"""Whatever users do and whoever dies meanwhile: each session is what a plain model of it says.

STATEFUL_EXAMPLES is how many sequences of operations are tried: some here, many in `make chaos`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sessions_app import lifecycle
from sessions_app.database import in_database
from sessions_app.exceptions import InvalidAnswer, NotPending, RequestInFlight, SessionEnded
from sessions_app.models import LIVE, Kind, Session, Status
from sessions_app.server import Server
from tests.sessions_app.command_app import ENDING, GOING_ON, Model, async_app, sync_app
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.crashing import check_log, check_steps
from tests.sessions_app.cut_client import standing
from tests.sessions_app.playing import ANYBODY, APP_ID, answers_of, rows
from tests.sessions_app.stage import story, told
from tests.sessions_app.world import Known, World, contents, fork_points, without_data

Values = dict[str, Any]  # answers by block type, and the place of the prompt that is to be answered

EXAMPLES = int(os.environ.get("STATEFUL_EXAMPLES", "30"))
STEPS = 20
MAX_SESSIONS = 4

# What is drawn must not depend on how far a session has come just then: whatever it asks, this has an answer.
VALUES = st.fixed_dictionaries(
    {
        "buttons": st.sampled_from([*5 * GOING_ON, *ENDING]),
        "input_request": st.sampled_from("ab"),
        "slider": st.integers(0, 10),
        "place": st.integers(0, 1),
    }
)
DEATHS = st.lists(st.integers(0, 25), max_size=2)
WRONG = {"buttons": "nothing", "slider": 11}  # any text is right


def has_room(machine: Machine) -> bool:
    return len(machine.known) < MAX_SESSIONS


class Machine(RuleBasedStateMachine):
    """Does at random what users and operators do, and lets processes die and messages get lost."""

    sessions = Bundle("sessions")

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Known] = []
        self.processes = self.world.processes()

    def teardown(self) -> None:
        try:
            for known in self.known:
                self.check(known, self.rest(known))
                self.read_to_end(known)
            for live in Session.objects.filter(status__in=LIVE):
                self.world.call(lifecycle.cancel(ANYBODY, str(live.id)))
        finally:
            self.tell(is_lost=True)
            self.processes.end()
            Session.objects.all().delete()  # the next sequence begins with none

    # What may happen.

    @initialize(target=sessions, is_async=st.booleans())
    def begin(self, is_async: bool) -> Any:
        self.world.set_app(async_app if is_async else sync_app)
        return multiple(self.create(is_lost=False), self.create(is_lost=False))

    @precondition(has_room)
    @rule(target=sessions, is_lost=st.booleans())
    def create(self, is_lost: bool) -> Known:
        session = self.world.call(lifecycle.create_session(ANYBODY, APP_ID))
        self.tell(is_lost)
        self.known.append(Known(session.id))
        return self.known[-1]

    @precondition(has_room)
    @rule(target=sessions, known=sessions, place=st.integers(0, 99), is_lost=st.booleans())
    def fork(self, known: Known, place: int, is_lost: bool) -> Known:
        points = fork_points(rows(known.id))
        after = points[place % len(points)]
        session = self.world.call(lifecycle.fork(ANYBODY, str(known.id), after))
        self.tell(is_lost)
        self.known.append(Known(session.id, answers_of(known.id, after), contents(known.id, after)))
        return self.known[-1]

    @rule(known=sessions, turns=st.lists(VALUES, max_size=8), is_lost=st.booleans(), deaths=DEATHS)
    def answer(self, known: Known, turns: list[Values], is_lost: bool, deaths: list[int]) -> None:
        self.kill(deaths)
        for values in turns:
            if (prompt := self.prompt_of(known, values["place"])) is not None:
                self.world.call(self.posted(known, prompt, values))
                self.accepted(known, prompt, values, is_lost)

    @rule(known=sessions, values=VALUES)
    def answer_and_send_it_again(self, known: Known, values: Values) -> None:
        if (prompt := self.prompt_of(known, values["place"])) is not None:
            key = uuid4().hex
            self.world.call(self.posted(known, prompt, values, key))
            self.accepted(known, prompt, values)
            self.world.call(self.posted(known, prompt, values, key))

    @rule(known=sessions, values=VALUES, has_key=st.booleans())
    def answer_twice_at_once(self, known: Known, values: Values, has_key: bool) -> None:
        if (prompt := self.prompt_of(known, values["place"])) is None:
            return
        key = uuid4().hex if has_key else ""
        outcomes = self.world.call_all(*(self.posted(known, prompt, values, key) for _ in range(2)))
        self.accepted(known, prompt, values)
        refusals = [each for each in outcomes if isinstance(each, Exception)]
        assert len(refusals) == 1 or (has_key and not refusals), outcomes
        allowed = RequestInFlight if has_key else NotPending | SessionEnded
        assert all(isinstance(each, allowed) for each in refusals), refusals

    @rule(known=sessions, values=VALUES)
    def answer_what_is_not_asked(self, known: Known, values: Values) -> None:
        ended = self.prompt_of(known) is None
        with pytest.raises(SessionEnded if ended else NotPending):
            self.world.call(self.posted(known, {"block_id": "buttons-99", "block_type": "buttons"}, values))

    @rule(known=sessions)
    def answer_wrongly(self, known: Known) -> None:
        prompt = self.prompt_of(known)
        if prompt is not None and prompt["block_type"] in WRONG:
            with pytest.raises(InvalidAnswer):
                self.world.call(self.posted(known, prompt, WRONG))

    @rule(known=sessions, messages=st.integers(0, 5))
    def look(self, known: Known, messages: int) -> None:
        """A client comes back, reads some, and is cut off."""
        self.world.call(known.client.look(messages))

    @rule(boundaries=DEATHS)
    def kill(self, boundaries: list[int]) -> None:
        """The process dies after so many boundaries, and perhaps the next one too."""
        if boundaries:
            for known in self.known:
                self.rest(known)  # of four deaths in a row a session would be held guilty
            self.processes.crash_after(*boundaries)

    @rule()
    def park(self) -> None:
        self.processes.current.park()

    @rule(known=sessions, is_lost=st.booleans(), mercy=st.integers(0, 2))
    def cancel(self, known: Known, is_lost: bool, mercy: int) -> None:
        if mercy:
            return  # else few sessions come far
        session = self.world.call(lifecycle.cancel(ANYBODY, str(known.id)))
        known.is_cancelled = session.status == Status.CANCELLED
        self.tell(is_lost)

    @rule(known=sessions, values=VALUES, is_halted=st.booleans(), mercy=st.integers(0, 2))
    def answer_and_cancel_at_once(self, known: Known, values: Values, is_halted: bool, mercy: int) -> None:
        if mercy or (prompt := self.prompt_of(known, values["place"])) is None:
            return
        both = self.posted(known, prompt, values), lifecycle.cancel(ANYBODY, str(known.id))
        answered, cancelled = self.world.call_all(*both)
        assert cancelled.status == Status.CANCELLED
        known.is_cancelled = True
        if isinstance(answered, Exception):
            assert isinstance(answered, SessionEnded)
            self.tell(is_lost=not is_halted)
        else:
            wake, *halt = self.world.taken_messages()
            wake(self.processes.current)  # it goes on with its answer, unless it is stopped, or fenced
            known.answers[prompt["block_id"]] = values[prompt["block_type"]]
            for message in halt if is_halted else []:
                message(self.processes.current)

    # What must hold.

    def check(self, known: Known, session: Session) -> None:
        """To be asked of a session at rest."""
        model = Model(known.answers)
        check_log(session)
        check_steps(session, copied=len(known.copied))
        assert contents(known.id, len(known.copied)) == known.copied
        assert list(answers_of(known.id).items()) == list(known.answers.items())
        shown = [without_data(*event) for event in story(known.id)]
        if known.is_cancelled:
            assert shown[:-1] == model.shown[: len(shown) - 1]
            assert (session.status, session.pending) == (Status.CANCELLED, [])
        else:
            assert shown == model.shown
            assert [prompt["block_id"] for prompt in session.pending] == model.pending
            assert (session.exit or {}).get("exit_code") == model.exit_code

    def read_to_end(self, known: Known) -> None:
        last_seq = max(entry.seq for entry in rows(known.id) if entry.kind != Kind.STEP)
        while known.client.last_seq < last_seq:
            self.world.call(known.client.look(100))
        known.client.check()
        assert told(standing(known.client.messages)) == story(known.id)

    # How.

    def rest(self, known: Known) -> Session:
        return self.processes.rest(known.id)

    def prompt_of(self, known: Known, place: int = 0) -> Any:
        """One of the prompts that the session waits for; None when it has ended."""
        session = self.rest(known)
        self.check(known, session)
        return None if session.is_ended else session.pending[place % len(session.pending)]

    def posted(self, known: Known, prompt: Any, values: Values, key: str = "") -> Coroutine[Any, Any, Any]:
        block_id, block_type = prompt["block_id"], prompt["block_type"]
        value = values[block_type]
        return lifecycle.answer(ANYBODY, str(known.id), block_id, block_type, value, idempotency_key=key)

    def accepted(self, known: Known, prompt: Any, values: Values, is_lost: bool = False) -> None:
        known.answers[prompt["block_id"]] = values[prompt["block_type"]]
        self.tell(is_lost)

    def tell(self, is_lost: bool = False) -> None:
        """Tell the process what the web has to tell it."""
        for message in self.world.taken_messages():
            if not is_lost:
                message(self.processes.current)


@pytest.fixture
def dispatch() -> str:
    return "tests.sessions_app.messages.MessageDispatch"


async def test_random_operations(server: Server, app: SetApp, loop: asyncio.AbstractEventLoop) -> None:
    tried = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # what depends on the moment does not come again in a shorter sequence
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    machine = type("MachineOfThisTest", (Machine,), {"world": World(server, app, loop)})
    await in_database(partial(run_state_machine_as_test, machine, settings=tried))
