"""The group-commit writer: many sessions a commit, in order, each with its share."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import pytest
from django.db import connection

from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.models import PrintedText, Session
from sessions_app.write_queue import COMMIT_ENTRIES, PENDING_ENTRIES_PER_SESSION
from sessions_app.writes import Hint, Position, Printed
from tests.deadline import until
from tests.sessions_app.playing import APP_ID, entries
from tests.sessions_app.publishing import SECONDS, Publisher, payloads, write

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]


def test_write_gives_its_position_and_a_hint(
    writer: LogWriter, publisher: Publisher, new_session: NewSession
) -> None:
    session = new_session()
    assert writer.submit(write(session)).result(SECONDS) == Position(1, 0, 2, 0)
    assert [(hint.session_id, hint.last_seq) for hint in publisher.commits[0]] == [(session.id, 1)]


def test_new_session_is_inserted_without_a_hint(
    writer: LogWriter, publisher: Publisher, holder: Session
) -> None:
    session = Session(app_id=APP_ID)
    assert writer.submit(session).result(SECONDS) == Position(0, 0, 0, 0)
    assert Session.objects.filter(id=session.id).exists()
    assert publisher.commits == []


def test_what_waits_goes_in_one_commit(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    sessions = [new_session() for _ in range(20)]
    with publisher.held(writer, holder):
        futures = [writer.submit(write(session)) for session in sessions]
        futures += [writer.submit(write(session)) for session in sessions]
    for future in futures:
        assert future.result(SECONDS).last_seq == 2  # both writes were one update
    hints = publisher.commits[1]
    assert {hint.session_id for hint in hints} == {session.id for session in sessions}
    assert {(hint.after, hint.last_seq) for hint in hints} == {(0, 2)}
    assert len(publisher.commits) == 2


def test_order_within_a_session_is_kept(writer: LogWriter, new_session: NewSession) -> None:
    session = new_session()
    for number in range(1000):
        writer.put(write(session, str(number)), lambda outcome: None)
    assert until(lambda: len(payloads(session)) == 1000)
    assert payloads(session) == [str(number) for number in range(1000)]


def test_hint_leaves_after_the_commit(transactional_db: None, new_session: NewSession) -> None:
    """What is published can be read over another connection at that moment."""
    session = new_session()
    seen: queue.Queue[list[Entry]] = queue.Queue()

    def read_elsewhere() -> None:
        seen.put(entries(session.id))
        connection.close()

    def publish(hints: list[Hint]) -> None:
        reader = threading.Thread(target=read_elsewhere)
        reader.start()
        reader.join()

    writer = LogWriter(publish)
    writer.start()
    settled = writer.submit(write(session, '"shown"')).result(SECONDS)
    writer.stop()
    assert settled.last_seq == 1
    assert seen.get_nowait() == [Entry(1, "event", False, b'"shown"')]


def test_every_session_gets_its_share_of_a_commit(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    flood, quiet = [new_session() for _ in range(3)], new_session()
    with publisher.held(writer, holder):
        for session in flood:
            for _ in range(PENDING_ENTRIES_PER_SESSION):
                writer.put(write(session), lambda outcome: None)
        answered = writer.submit(write(quiet))
    answered.result(SECONDS)
    written = {hint.session_id: hint.last_seq for hint in publisher.commits[1]}
    share = COMMIT_ENTRIES // 4
    assert written == {quiet.id: 1, **{session.id: share for session in flood}}


def test_session_that_floods_waits_and_only_it(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    flood, quiet = new_session(), new_session()
    accepted: list[int] = []

    def put_all() -> None:
        for number in range(PENDING_ENTRIES_PER_SESSION + 10):
            writer.put(write(flood, str(number)), lambda outcome: None)
            accepted.append(number)

    flooding = threading.Thread(target=put_all)
    with publisher.held(writer, holder):
        flooding.start()
        assert until(lambda: len(accepted) == PENDING_ENTRIES_PER_SESSION)
        writer.submit(write(quiet))
        flooding.join(0.05)  # it is held up: no more gets in while the writer is busy
        assert (flooding.is_alive(), len(accepted)) == (True, PENDING_ENTRIES_PER_SESSION)
    flooding.join(SECONDS)
    assert until(lambda: len(payloads(flood)) == PENDING_ENTRIES_PER_SESSION + 10)
    assert payloads(flood) == [str(number) for number in range(PENDING_ENTRIES_PER_SESSION + 10)]


def test_stop_writes_what_is_pending(
    transactional_db: None, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    writer = LogWriter(publisher)
    writer.start()
    session = new_session()
    with publisher.held(writer, holder):
        futures = [writer.submit(write(session)) for _ in range(100)]
        stopping = threading.Thread(target=writer.stop)
        stopping.start()
    stopping.join(SECONDS)
    assert all(future.done() for future in futures)
    assert len(payloads(session)) == 100
    with pytest.raises(RuntimeError, match="stopped"):
        writer.submit(write(session))


def test_printed_text_is_kept_without_a_hint(
    writer: LogWriter, publisher: Publisher, new_session: NewSession
) -> None:
    session = new_session()
    for text in ("one ", "two"):
        writer.submit(Printed(session.id, text, 5)).result(SECONDS)
    assert PrintedText.objects.get(session=session).text == "e two"
    assert publisher.commits == []
