"""What a log asks at a point of it, against what the row said when the session stood there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import apps_app.dsl as yr
from apps_app.discovery import EXAMPLES
from apps_app.models import App
from sessions_app import lifecycle, log_reading
from sessions_app.database import in_database
from sessions_app.exceptions import NotAForkPoint
from sessions_app.fork import pending_after, standing_at
from sessions_app.frames import Entry
from sessions_app.models import Kind, Session, Status
from tests.server import ROOT
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import ANYBODY, APP_ID

CONFORMANCE = ROOT / "tests" / "conformance" / "apps"
PAGE_APPS = ROOT / "tests" / "end_to_end" / "apps"
ASKING_APPS = [
    (CONFORMANCE, "greeter.greet"),
    (CONFORMANCE, "survey.survey"),
    (CONFORMANCE, "trouble.trouble"),
    (EXAMPLES, "greeter.greet"),
    (EXAMPLES, "survey.survey"),
    (EXAMPLES, "async_tour.tour"),
    (EXAMPLES, "nested.order"),
    (PAGE_APPS, "everything.show"),
    (PAGE_APPS, "everything.scripts"),
    (PAGE_APPS, "everything.grow"),
]

Truth = dict[int, list[dict[str, Any]]]  # what the row had as pending, by its last seq


def answer_to(prompt: dict[str, Any]) -> Any:
    match prompt["block_type"]:
        case "slider":
            return prompt["min_value"]
        case "date":
            return "2025-02-01"
        case "buttons":
            return prompt["options"][-1]
        case _:
            return "x"


async def played(client: AsgiClient, app_id: str) -> tuple[Session, Truth]:
    """Play to the end, prompt by prompt; what the row said on the way."""
    truth: Truth = {}
    session_id = await client.create(app_id)
    while True:
        session = await lifecycle.find_session(ANYBODY, session_id)
        if session.is_ended:
            return session, truth
        if not session.pending:
            await client.messages(session_id)
            continue
        truth[session.last_seq] = session.pending
        prompt = session.pending[0]
        response = await client.answer(session_id, prompt["block_id"], answer_to(prompt))
        assert response.status == 200


async def assert_told_by_its_log(session: Session, truth: Truth) -> None:
    """At each seq: it waits for what the row said, plays on after the last answer, or is no fork point."""
    answered = {
        entry.seq
        for entry in await in_database(log_reading.read_interactions, session.id, 0)
        if entry.seq not in truth
    }
    for after in range(1, session.last_seq + 1):
        if after in truth:
            assert await in_database(standing_at, session, after) == (Status.WAITING, truth[after])
        elif after in answered:
            assert await in_database(standing_at, session, after) == (Status.RUNNING, [])
        else:
            with pytest.raises(NotAForkPoint):
                await in_database(standing_at, session, after)


@pytest.mark.parametrize(("folder", "app_id"), ASKING_APPS, ids=[app for _, app in ASKING_APPS])
async def test_log_tells_what_the_row_said(client: AsgiClient, folder: Path, app_id: str) -> None:
    module, _, function = app_id.partition(".")
    entry_point = f"{folder / module}.py:{function}"
    await in_database(lambda: App.objects.create(id=app_id, name=app_id, entry_point=entry_point))
    session, truth = await played(client, app_id)
    assert truth
    await assert_told_by_its_log(session, truth)


async def test_layouts_of_every_shape(
    app: SetApp, client: AsgiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reading, "READ_BACK_ENTRIES", 3)

    def ask_inside() -> None:
        with yr.container():
            yr.text_input("Of the inner one")
            yr.markdown("Shown in it")

    def tell() -> None:
        with yr.container():
            yr.markdown("Of a step")

    @app
    def main() -> None:
        yr.text_input("Alone")
        with yr.columns(2):
            yr.markdown("Left")
            with yr.form():
                yr.text_input("Before")
                ask_inside()
                yr.step(tell)
                yr.slider(0, 1, "After")
                with yr.container():
                    yr.markdown("Asks nothing")
                yr.buttons(["a", "b"])
            yr.date_picker("Right")
        again = yr.container()
        for _ in range(2):
            with again:
                yr.text_input("Once more")
        with pytest.raises(ValueError, match="passes"), yr.container():
            yr.text_input("Asked all the same")
            raise ValueError("passes")

    session, truth = await played(client, APP_ID)
    assert (session.status, session.failure) == (Status.FINISHED, "")
    shapes = [[(prompt["block_id"], prompt["layouts"]) for prompt in pending] for pending in truth.values()]
    form = ["columns-1", "form-1"]
    last = [("slider-1", form), ("buttons-1", form)]
    assert shapes == [
        [("input_request-1", [])],
        [("input_request-3", [*form, "container-1"])],
        [("input_request-2", form), *last],
        last,
        last[1:],
        [("date-1", ["columns-1"])],
        [("input_request-4", ["container-4"])],
        [("input_request-5", ["container-4"])],
        [("input_request-6", ["container-5"])],
    ]
    await assert_told_by_its_log(session, truth)


async def test_reads_no_further_than_the_question(waiting: str, client: AsgiClient) -> None:
    await client.answer(waiting, "input_request-1", "x")
    session = await lifecycle.find_session(ANYBODY, waiting)
    log = await in_database(lambda: list(log_reading.read_back(session.id, 2)))

    def entries() -> Any:
        yield from log
        raise AssertionError("read on")

    assert [entry.kind for entry in log] == [Kind.INTERACTION, Kind.EVENT]
    assert pending_after(entries()) == []


def test_log_without_a_question_asks_nothing() -> None:
    assert pending_after([]) == []
    assert pending_after([Entry(1, Kind.EVENT, False, b"{}")]) == []


async def test_nearest_point_below_is_named(app: SetApp, client: AsgiClient) -> None:
    @app
    def main() -> None:
        yr.markdown("One")
        yr.text_input("Two")
        yr.markdown("Four")

    session, truth = await played(client, APP_ID)
    assert (list(truth), session.last_seq) == ([2], 5)
    for after, nearest in ((1, 0), (4, 3), (5, 3), (6, 3), (2**63 - 1, 3)):
        with pytest.raises(NotAForkPoint, match=f"not at {after}; the nearest below is {nearest}\\."):
            await in_database(standing_at, session, after)
    assert await in_database(standing_at, session, 0) == (Status.CREATED, [])


async def test_sleep_is_no_fork_point(app: SetApp, client: AsgiClient) -> None:
    """A step after which the session waits for the clock alone."""

    @app
    def main() -> None:
        yr.sleep(0.01)
        yr.text_input("Two")

    session, _ = await played(client, APP_ID)
    with pytest.raises(NotAForkPoint, match="not at 1; the nearest below is 0"):
        await in_database(standing_at, session, 1)
