"""Hot runs: bounded whatever they do, given up when their process ends, and never taken for one another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

import apps_app.dsl as yr
from sessions_app.models import Session, Status
from sessions_app.writes import Write
from tests.deadline import until
from tests.sessions_app.conftest import NewStage
from tests.sessions_app.playing import texts
from tests.sessions_app.runners import SECONDS, ask_once

pytestmark = pytest.mark.django_db(transaction=True)


def owned() -> int:
    return Session.objects.owned().count()


@pytest.fixture
def may_end() -> Any:
    event = threading.Event()
    yield event
    event.set()


def test_burst_of_waits_is_bounded(new_stage: NewStage, settings: Any) -> None:
    """All come to wait in one commit."""
    settings.YERA_HOT_RUNS = 2
    first = new_stage(ask_once)
    stages = [first, *(first.beside() for _ in range(30))]
    hold = threading.Event()
    first.writer.put(Write(first.session.id, {}), lambda _: None if hold.wait(SECONDS) else None)
    for stage in stages:
        stage.begin()
    hold.set()
    for stage in stages:
        assert stage.pauses()
    assert until(lambda: owned() == 2)


def test_one_that_cannot_be_parked_does_not_keep_the_others(
    new_stage: NewStage, settings: Any, may_end: threading.Event
) -> None:
    """It works on while it waits."""
    settings.YERA_HOT_RUNS = 1
    working: list[bool] = []

    async def main() -> str:
        async def work() -> None:
            working.append(True)
            await asyncio.to_thread(may_end.wait, SECONDS)

        task = None if working else asyncio.create_task(yr.astep(work))
        answer = await yr.atext_input()
        if task is not None:
            await task
        return answer

    first = new_stage(main)
    first.begin()
    assert first.pauses()
    assert until(lambda: working == [True])
    for _ in range(4):
        stage = first.beside()
        stage.begin()
        assert stage.pauses()
    assert until(lambda: owned() <= 2)
    assert Session.objects.get(id=first.session.id).owner


def test_one_that_wakes_often_does_not_keep_the_others(new_stage: NewStage, may_end: threading.Event) -> None:
    ticks: list[int] = []

    def main() -> str:
        if not ticks:
            while not may_end.is_set():
                ticks.append(1)
                yr.sleep(0.05)
        return yr.text_input()

    ticker = new_stage(main)
    ticker.begin()
    assert until(lambda: len(ticks) > 1)
    waiter = ticker.beside()
    waiter.begin()
    assert waiter.pauses()

    def is_parked() -> bool:
        ticker.runner.park_idle(0.5)
        return not Session.objects.get(id=waiter.session.id).owner

    assert until(is_parked)
    assert Session.objects.get(id=ticker.session.id).owner


def test_sweep_leaves_the_run_alone_that_came_after_a_parked_one(
    new_stage: NewStage, may_end: threading.Event
) -> None:
    """Parked, answered and taken up again while the sweep looks at the rows."""
    begun = threading.Semaphore(0)
    executed: list[int] = []

    def work() -> None:
        executed.append(1)
        begun.release()
        may_end.wait(SECONDS)

    def main() -> str:
        answer = yr.text_input()
        yr.step(work)
        return answer

    stage = new_stage(main)
    stage.begin()
    assert stage.pauses()
    looked: list[bool] = []

    def between(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not looked and sql.startswith("SELECT") and stage.runner.name in str(params):
            looked.append(True)
            stage.park()
            stage.answer("me")
            assert begun.acquire(timeout=SECONDS)  # the new run is in the middle of its step
        return execute(sql, params, many, context)

    with connection.execute_wrapper(between):
        stage.runner.sweep()
    epoch = Session.objects.get(id=stage.session.id).epoch
    for _ in range(3):
        stage.runner.sweep()
    may_end.set()
    assert stage.pauses()
    assert (looked, executed, stage.status()) == ([True], [1], Status.FINISHED)
    assert stage.session.epoch == epoch + 1  # by its exit alone


def test_claim_under_way_when_the_process_ends_is_given_up(new_stage: NewStage) -> None:
    executed: list[int] = []
    stage = new_stage(lambda: executed.append(1))
    hold = threading.Event()
    stage.writer.put(Write(stage.session.id, {}), lambda _: None if hold.wait(SECONDS) else None)
    stage.begin()
    stage.runner.release_all()
    hold.set()
    assert until(lambda: stage.status() == Status.RUNNING and not stage.session.owner)
    assert (executed, stage.session.epoch) == ([], 2)


# Work beside the question.


def working_beside(ends: bool) -> Callable[..., Any]:
    """Two steps of a task of its own while it waits for its user; then it ends, or shows something first."""

    async def main() -> str:
        async def work() -> None:
            for number in (1, 2):
                await yr.astep(str, number)

        task = asyncio.create_task(work())
        answer = await yr.atext_input()
        if not ends:
            yr.markdown(answer)
            await task
        return answer

    return main


@pytest.mark.parametrize("ends", [True, False])
def test_steps_of_a_task_may_be_called_later_than_the_first_time(new_stage: NewStage, ends: bool) -> None:
    """In a replay the app's own work takes no time, so it is ahead of its tasks."""
    stage = new_stage(working_beside(ends))
    stage.begin()
    assert stage.pauses()
    assert until(lambda: stage.session.entries.filter(kind="step").count() == 2)
    stage.park()
    stage.answer("x")
    assert stage.pauses()
    assert stage.status() == Status.FINISHED, stage.session.divergence
    assert texts(stage.session.id) == ([] if ends else ["x"])
