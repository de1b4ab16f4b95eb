"""Steps over kills: what is recorded is not done again, what was cut off is taken back and done again."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import apps_app.dsl as yr
from sessions_app.models import Kind, LogEntry, Status
from tests.deadline import until
from tests.sessions_app.conftest import NewStage
from tests.sessions_app.playing import entries, exit_of
from tests.sessions_app.runners import SECONDS, is_running
from tests.sessions_app.stage import Stage, play_to_end, story

pytestmark = pytest.mark.django_db(transaction=True)


class Gates:
    """Where steps stop until they are let through; how often each was begun."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self._gates: dict[str, threading.Event] = {}

    def gate(self, name: str) -> threading.Event:
        return self._gates.setdefault(name, threading.Event())

    def stop_at(self, name: str) -> None:
        self.begun[name] += 1
        self.gate(name).wait(SECONDS)

    async def astop_at(self, name: str) -> None:
        await asyncio.to_thread(self.stop_at, name)

    def comes_to(self, name: str, times: int = 1) -> bool:
        return until(lambda: self.begun[name] == times)

    def open_all(self) -> None:
        for gate in self._gates.values():
            gate.set()


@pytest.fixture
def gates() -> Iterator[Gates]:
    gates = Gates()
    yield gates
    gates.open_all()


def kinds(stage: Stage) -> list[str]:
    return [entry.kind for entry in entries(stage.session.id)]


def retracts(stage: Stage) -> list[bytes]:
    return [entry.payload for entry in entries(stage.session.id) if entry.kind == Kind.RETRACT]


def shapes(stage: Stage) -> list[tuple[str, int]]:
    """Block and chunk of the events that stand, before the exit."""
    return [(block_id, chunk_id) for block_id, chunk_id, *_ in story(stage.session.id)[:-1]]


def test_recorded_steps_are_not_done_again(new_stage: NewStage) -> None:
    calls: list[str] = []

    def note(name: str) -> dict[Any, Any]:
        calls.append(name)
        yr.markdown(f"doing {name}")
        return {"name": name, "values": (1, 2), 3: None}

    def fail() -> None:
        calls.append("fail")
        raise KeyError("gone")

    def main() -> str:
        first = yr.step(note, "first")
        with pytest.raises(yr.StepError, match="KeyError: 'gone'"):
            yr.step(fail)
        moment, number, name = yr.now(), yr.random(), yr.uuid()
        yr.markdown("outside")
        yr.text_input()
        yr.step(note, "second")
        yr.text_input()
        return f"{first} {moment} {number} {name}"

    told = play_to_end(new_stage(main), ["a", "b"], Stage.kill)
    assert calls == ["first", "fail", "second"]
    assert [shape[:2] for shape in told[:-1]] == [
        ("markdown-1", 1),
        ("markdown-2", 1),
        ("input_request-1", 1),
        ("markdown-3", 1),
        ("input_request-2", 1),
    ]
    assert told[-1][-1]["return_value"].startswith("{'name': 'first', 'values': [1, 2], '3': None}")


def test_time_and_chance_are_those_of_the_first_time(new_stage: NewStage) -> None:
    seen: list[Any] = []

    def main() -> None:
        seen.append((yr.now(), yr.random(), yr.uuid()))
        yr.text_input()

    play_to_end(new_stage(main), ["a"], Stage.park)
    assert len(seen) == 2
    assert seen[0] == seen[1]


def test_step_that_was_cut_off_is_taken_back_and_done_again(new_stage: NewStage, gates: Gates) -> None:
    keys: list[str] = []

    def work() -> str:
        keys.append(yr.idempotency_key())
        block = yr.markdown("one")
        block.append("two")
        gates.stop_at("work")
        return "done"

    def main() -> str:
        yr.markdown("before")
        result = yr.step(work)
        yr.markdown("after")
        return str(result)

    stage = new_stage(main)
    stage.begin()
    for times in (1, 2, 3):
        assert gates.comes_to("work", times)
        if times < 3:
            stage.kill()
    gates.open_all()
    assert until(lambda: stage.status() == Status.FINISHED)
    assert exit_of(stage.session)["return_value"] == "done"
    assert retracts(stage) == [b'{"from_seq":2,"to_seq":3}', b'{"from_seq":5,"to_seq":6}']
    assert shapes(stage) == [("markdown-1", 1), ("markdown-2", 1), ("markdown-2", 2), ("markdown-3", 1)]
    assert keys == [f"{stage.session.id}:0.1"] * 3


def test_handle_from_outside_that_a_recorded_step_has_used(new_stage: NewStage) -> None:
    """Its chunks go on behind those that the step had shown."""

    def main() -> str:
        progress = yr.spinner("begin")
        with progress:
            yr.step(lambda: progress.update("half"))
            yr.step(lambda: progress.update("nearly"))
        block = yr.markdown("a")
        yr.step(lambda: block.append("b"))
        block.append("c")
        yr.step(lambda: block.append("d"))
        name = yr.text_input()
        block.append("e")
        return name

    def plain(stage: Stage) -> None: ...

    expected = play_to_end(new_stage(main), ["x"], plain)
    assert play_to_end(new_stage(main), ["x"], Stage.kill) == expected
    assert [shape[1] for shape in expected if shape[0] == "markdown-1"] == [1, 2, 3, 4, 5]


def test_unused_handle_before_a_recorded_step(new_stage: NewStage) -> None:
    """Its number is the one that it has had the first time."""

    def main() -> str:
        unused = yr.markdown()
        yr.step(lambda: yr.markdown("in it") and None)
        name = yr.text_input()
        unused.append(name)
        return name

    told = play_to_end(new_stage(main), ["x"], Stage.kill)
    assert [shape[:2] for shape in told[:-1]] == [
        ("markdown-2", 1),
        ("input_request-1", 1),
        ("markdown-1", 1),
    ]


def gathering(gates: Gates) -> Callable[..., Any]:
    """Two steps side by side, their output one after the other's; then a block of the app's own."""

    async def work(name: str) -> str:
        first = yr.markdown(f"{name} first")
        await gates.astop_at(name)
        first.append(f"{name} more")
        yr.markdown(f"{name} last")
        return name

    async def main() -> str:
        names = await asyncio.gather(yr.astep(work, "a", name="a"), yr.astep(work, "b", name="b"))
        yr.markdown("both")
        text = await yr.atext_input()
        yr.markdown("at last")
        return text + "".join(names)

    return main


def test_gathered_steps_one_cut_off_twice(new_stage: NewStage, gates: Gates) -> None:
    stage = new_stage(gathering(gates))
    stage.begin()
    assert gates.comes_to("a")
    assert gates.comes_to("b")
    gates.gate("a").set()
    assert until(lambda: LogEntry.objects.filter(kind=Kind.STEP).count() == 1)
    for times in (2, 3):
        stage.kill()
        assert gates.comes_to("b", times)
    gates.open_all()
    assert until(lambda: stage.status() == Status.WAITING)
    assert gates.begun == {"a": 1, "b": 3}
    before = story(stage.session.id)
    stage.kill()
    stage.answer("x")
    assert until(lambda: stage.status() == Status.FINISHED)
    told = story(stage.session.id)
    assert told[: len(before)] == before
    assert exit_of(stage.session)["return_value"] == "xab"
    ids = [shape[:2] for shape in told]
    assert len(set(ids)) == len(ids)
    own = [shape[0] for shape in told if shape[3].get("content") in ("both", "at last")]
    numbers = [int(block_id.partition("-")[2]) for block_id, _ in ids if block_id.startswith("markdown")]
    assert [int(block_id.partition("-")[2]) for block_id in own] == sorted(numbers)[-2:]


def test_step_that_its_app_gave_up_is_given_up_again(new_stage: NewStage) -> None:
    """Neither its result nor its end is known: in a replay it is waited for until it is given up."""
    begun: list[int] = []

    async def endless() -> None:
        begun.append(1)
        yr.markdown("endless")
        await asyncio.Event().wait()

    async def main() -> str:
        try:
            async with asyncio.timeout(0.1):
                await yr.astep(endless)
        except TimeoutError:
            yr.markdown("gave up")
        return await yr.atext_input()

    told = play_to_end(new_stage(main), ["x"], Stage.kill)
    assert begun == [1]
    assert [shape[0] for shape in told[:-1]] == ["markdown-1", "markdown-2", "input_request-1"]


def test_tasks_that_a_step_starts_are_no_branches(new_stage: NewStage) -> None:
    """A replay does not run the step: those that come after it have the names that they had."""
    calls: list[str] = []

    async def fan_out() -> None:
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(3)))

    async def work(name: str) -> str:
        calls.append(name)
        return name

    async def main() -> str:
        await yr.astep(fan_out)
        names = await asyncio.gather(*(yr.astep(work, name, name=name) for name in "ab"))
        return await yr.atext_input() + "".join(names)

    told = play_to_end(new_stage(main), ["x"], Stage.kill)
    assert (told[-1][-1]["return_value"], sorted(calls)) == ("xab", ["a", "b"])


def test_replay_calls_no_step_after_its_end(new_stage: NewStage, gates: Gates) -> None:
    """A step that is under way when its session is cancelled is not recorded, and nothing comes after."""

    def main() -> None:
        yr.step(lambda: gates.stop_at("work"))
        yr.step(lambda: gates.stop_at("next"))

    stage = new_stage(main)
    stage.begin()
    assert gates.comes_to("work")
    stage.cancel()
    gates.open_all()
    assert until(lambda: not is_running(stage.runner))
    assert kinds(stage) == ["event"]
    assert gates.begun["next"] == 0
