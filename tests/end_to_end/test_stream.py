"""One story for every reader: resume rules, modes and reconnects over real HTTP (invariants 3 and 7)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.client import Message, SessionClient
from tests.server import ServerProcess

StartServer = Callable[..., ServerProcess]

FORM = [
    {"sub_block_id": "input_request-4", "sub_block_type": "input_request", "value": "Paris"},
    {"sub_block_id": "slider-1", "sub_block_type": "slider", "value": "7"},
    {"sub_block_id": "buttons-1", "sub_block_type": "buttons", "value": "a"},
]


def answer_turns(client: SessionClient, session: str) -> None:
    """Play `steady.turns` to its end, as old clients do."""
    for number in (1, 2, 3):
        client.turn(session)
        client.answer(session, f"input_request-{number}", "go on")
    client.turn(session)
    client.answer(session, "form-1", FORM, "form")
    client.turn(session)


@pytest.fixture(scope="module")
def finished(server: ServerProcess) -> tuple[str, list[Message]]:
    """A session of `steady.turns` played to its end, and its whole story."""
    client = server.client()
    session = client.create("steady.turns")
    answer_turns(client, session)
    with client.stream(session, after=0, follow=True) as messages:
        return session, [message for message in messages if message.seq]


def test_whole_story_has_every_seq_once(finished: tuple[str, list[Message]]) -> None:
    story = finished[1]
    assert [message.seq for message in story] == list(range(1, len(story) + 1))
    assert [message.event for message in story].count("interaction") == 4
    assert story[-1].data["data"]["return_value"] == "('Paris', 7.0, 'a')"


def test_turn_mode_shows_events_only_and_ends_at_each_pause(
    client: SessionClient, finished: tuple[str, list[Message]]
) -> None:
    session, story = finished
    position, seen = 0, []
    while position < story[-1].seq:
        with client.stream(session, after=position) as messages:
            turn = list(messages)
        assert {message.event for message in turn} == {"message"}
        assert turn[-1].data["block_type"] in ("input_request", "layout_end", "exit")
        seen += turn
        position = turn[-1].seq
    assert seen == [message for message in story if message.event == "message"]


def test_ended_session_without_resume_point_gives_its_last_turn(
    client: SessionClient, finished: tuple[str, list[Message]]
) -> None:
    assert [event["block_type"] for event in client.events(finished[0])] == ["exit"]


@pytest.mark.parametrize("beyond", [0, 5, 10**40])
def test_resume_at_or_past_the_exit_is_204(
    client: SessionClient, finished: tuple[str, list[Message]], beyond: int
) -> None:
    session, story = finished
    answer = client.http.get(f"/api/session/{session}/stream", params={"after": story[-1].seq + beyond})
    assert (answer.status_code, answer.content) == (204, b"")


def test_header_wins_over_query_and_nonsense_is_the_whole_history(
    client: SessionClient, finished: tuple[str, list[Message]]
) -> None:
    session, story = finished
    with client.stream(session, after=1, follow=True, last_event_id="3") as messages:
        assert next(message.seq for message in messages if message.seq) == 4
    for nonsense in ("abc", "-4", "1e3", ""):
        with client.stream(session, last_event_id=nonsense) as messages:
            assert next(messages).seq == 1


def test_headers_of_the_stream(client: SessionClient, finished: tuple[str, list[Message]]) -> None:
    with client.http.stream("GET", f"/api/session/{finished[0]}/stream") as response:
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"


def test_follow_mode_tells_every_status(client: SessionClient, server: ServerProcess) -> None:
    session = client.create("steady.ask")
    client.turn(session)
    with client.stream(session, after=0, follow=True) as messages:
        first = [next(messages), next(messages)]
        server.client().answer(session, "input_request-1", "x")
        rest = list(messages)
    asked = [{"block_id": "input_request-1", "block_type": "input_request"}]
    assert first[0].data == {"status": "waiting", "pending": asked, "divergence": None}
    assert [message.event for message in rest] == ["interaction", "status", "message"]
    assert rest[0].data == {"blockId": "input_request-1", "value": "x", "blockType": "text"}
    assert rest[1].data["status"] == "running"
    assert rest[2].data["block_type"] == "exit"


def test_stream_pauses_after_each_layout_that_holds_a_prompt(client: SessionClient) -> None:
    session = client.create("steady.nested_layouts")
    ends = []
    for block_id, layout in (("input_request-1", "columns-1"), ("input_request-2", "container-2")):
        ends.append(client.turn(session)[-1].data["block_id"])
        field = {"sub_block_id": block_id, "sub_block_type": "input_request", "value": "x"}
        client.answer(session, layout, [field], "layout")
    ends.append(client.turn(session)[-1].data["block_id"])
    assert ends == ["container-1", "container-2", "exit-1"]


def test_old_client_sends_a_forms_fields_apart(client: SessionClient) -> None:
    session = client.create("survey.survey")
    assert client.turn(session)[-1].data["block_id"] == "form-1"
    client.answer(session, "input_request-1", "Paris", "text")
    assert [prompt["block_id"] for prompt in client.state(session)["pending"]] == ["slider-1", "date-1"]
    rest = [
        {"sub_block_id": "date-1", "sub_block_type": "date", "value": "2025-02-01"},
        {"sub_block_id": "slider-1", "sub_block_type": "slider", "value": 7},
    ]
    client.answer(session, "form-1", rest, "form")
    table = client.turn(session)[0].data
    assert table["data"]["rows"] == [["Paris", 7, "2025-02-01"]]


Cuts = st.lists(st.integers(min_value=1, max_value=25), max_size=8)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=Cuts, by_header=st.booleans())
def test_two_streams_of_a_live_session_are_identical(
    server: ServerProcess, cuts: list[int], by_header: bool
) -> None:
    """One reader stays, the other drops its connection after a random number of messages, again and again."""
    player, steady, torn = SessionClient(server.url), SessionClient(server.url), SessionClient(server.url)
    session = player.create("steady.turns")
    with ThreadPoolExecutor(3) as threads:
        whole = threads.submit(lambda: list(read_following(steady, session, [], by_header)))
        pieces = threads.submit(lambda: list(read_following(torn, session, cuts, by_header)))
        threads.submit(answer_turns, player, session).result()
        assert whole.result() == pieces.result()
    ids = [message.seq for message in whole.result()]
    assert ids == list(range(1, len(ids) + 1))
    for client in (player, steady, torn):
        client.close()


def read_following(
    client: SessionClient, session: str, cuts: list[int], by_header: bool
) -> Iterator[Message]:
    """All durable messages, over as many connections as there are cuts and one more."""
    position = 0
    for length in [*cuts, None]:
        resume: dict[str, Any] = {"last_event_id": str(position)} if by_header else {"after": position}
        with client.stream(session, follow=True, **resume) as messages:
            durable = (message for message in messages if message.seq)
            for count, message in enumerate(durable, 1):
                yield message
                position = message.seq
                if message.event == "message" and message.data["block_type"] == "exit":
                    return
                if count == length:
                    break


def test_live_reader_sees_each_event_as_it_comes(client: SessionClient) -> None:
    session = client.create("steady.trickle")
    with client.stream(session) as messages:
        contents = [message.data["data"].get("content") for message in messages]
    assert contents == [*map(str, range(40)), None]


WITHOUT_POLLING = {"YERA_POLL_SECONDS": "0"}
WITHOUT_HINTS = {"YERA_POLL_SECONDS": "0.05", "DJANGO_SETTINGS_MODULE": "tests.settings_without_hints"}


@pytest.mark.parametrize("environment", [WITHOUT_POLLING, WITHOUT_HINTS], ids=["by the group", "by the log"])
def test_either_hints_or_polling_suffices(start_server: StartServer, environment: dict[str, str]) -> None:
    server = start_server(**environment)
    player, follower = server.client(), server.client()
    session = player.create("steady.turns")
    with ThreadPoolExecutor(2) as threads:
        story = threads.submit(lambda: list(read_following(follower, session, [], False)))
        threads.submit(answer_turns, player, session).result()
        assert [message.seq for message in story.result()] == list(range(1, len(story.result()) + 1))


def test_shutdown_tells_streams_to_come_back(start_server: StartServer) -> None:
    server = start_server()
    client = server.client()
    session = client.create("steady.ask")
    client.turn(session)
    opened, lines = threading.Event(), []

    def read() -> None:
        with client.http.stream("GET", f"/api/session/{session}/stream?follow=true") as response:
            for line in response.iter_lines():
                lines.append(line)
                opened.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert opened.wait(10)
    server.terminate()
    reader.join(10)
    assert not reader.is_alive()
    assert any(line.startswith("retry: ") for line in lines)
