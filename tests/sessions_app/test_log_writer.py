"""The group-commit writer: many sessions a commit, and none spoils another's."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from sessions_app.frames import Entry
from sessions_app.log_writer import LogWriter
from sessions_app.models import Kind, PrintedText, Session
from sessions_app.write_queue import COMMIT_WRITES, PENDING_WRITES_PER_SESSION
from sessions_app.writes import FencedError, Hint, NewEntry, Position, Printed, Write
from tests.deadline import until
from tests.sessions_app.playing import APP_ID, entries

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]
SECONDS = 20.0
NO_SUCH_KIND: Any = "thought"


def write(session: Session, text: str = "{}", *, epoch: int = 0, kind: Kind = Kind.EVENT) -> Write:
    return Write(session.id, {"epoch": epoch}, [NewEntry(kind, text.encode())])


def payloads(session: Session) -> list[str]:
    return [entry.payload.decode() for entry in entries(session.id)]


class Publisher:
    """Keeps each commit's hints. While `held`, the writer waits in it, and others queue up behind."""

    def __init__(self) -> None:
        self.commits: list[list[Hint]] = []
        self._may_pass = threading.Event()
        self._may_pass.set()
        self._arrived = threading.Semaphore(0)

    def __call__(self, hints: list[Hint]) -> None:
        self.commits.append(hints)
        self._arrived.release()
        assert self._may_pass.wait(SECONDS)

    @contextmanager
    def held(self, writer: LogWriter, session: Session) -> Iterator[None]:
        """The writer has committed a write of `session` and does nothing more until the block's end."""
        self._may_pass.clear()
        holding = writer.submit(write(session))
        assert self._arrived.acquire(timeout=SECONDS)
        try:
            yield
        finally:
            self._may_pass.set()
        holding.result(SECONDS)


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.fixture
def writer(transactional_db: None, publisher: Publisher) -> Iterator[LogWriter]:
    writer = LogWriter(publisher)
    writer.start()
    yield writer
    writer.stop()


@pytest.fixture
def holder(new_session: NewSession) -> Session:
    """A session that only keeps the writer busy."""
    return new_session()


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


def test_fenced_session_does_not_spoil_the_others(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    fenced, sound = new_session(epoch=1), new_session()
    with publisher.held(writer, holder):
        refused, also_refused = writer.submit(write(fenced)), writer.submit(write(fenced))
        accepted = writer.submit(write(sound))
        taken_up = writer.submit(write(fenced, epoch=1))
    assert isinstance(refused.exception(SECONDS), FencedError)
    assert isinstance(also_refused.exception(SECONDS), FencedError)
    assert accepted.result(SECONDS).last_seq == taken_up.result(SECONDS).last_seq == 1
    assert len(publisher.commits) == 2


def test_entry_that_the_database_refuses_fails_alone(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    sessions = [new_session() for _ in range(5)]
    with publisher.held(writer, holder):
        futures = [writer.submit(write(session)) for session in sessions[:2]]
        refused = writer.submit(write(sessions[2], kind=NO_SUCH_KIND))
        futures += [writer.submit(write(session)) for session in sessions[3:]]
    assert isinstance(refused.exception(SECONDS), IntegrityError)
    assert [future.result(SECONDS).last_seq for future in futures] == [1, 1, 1, 1]
    assert [len(entries(session.id)) for session in sessions] == [1, 1, 0, 1, 1]


def test_nothing_follows_what_was_refused(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    """A log has no hole, also where the rest had to wait for a later commit."""
    session = new_session()
    with publisher.held(writer, holder):
        refused = writer.submit(write(session, kind=NO_SUCH_KIND))
        after = [writer.submit(write(session)) for _ in range(3)]
        others = [writer.submit(write(new_session())) for _ in range(COMMIT_WRITES)]
    assert isinstance(refused.exception(SECONDS), IntegrityError)
    assert all(isinstance(future.exception(SECONDS), IntegrityError) for future in after)
    assert all(future.result(SECONDS).last_seq == 1 for future in others)
    assert payloads(session) == []


def test_every_session_gets_its_share_of_a_commit(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    flood, quiet = [new_session() for _ in range(3)], new_session()
    with publisher.held(writer, holder):
        for session in flood:
            for _ in range(PENDING_WRITES_PER_SESSION):
                writer.put(write(session), lambda outcome: None)
        answered = writer.submit(write(quiet))
    answered.result(SECONDS)
    written = {hint.session_id: hint.last_seq for hint in publisher.commits[1]}
    share = COMMIT_WRITES // 4
    assert written == {quiet.id: 1, **{session.id: share for session in flood}}


def test_session_that_floods_waits_and_only_it(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    flood, quiet = new_session(), new_session()
    accepted: list[int] = []

    def put_all() -> None:
        for number in range(PENDING_WRITES_PER_SESSION + 10):
            writer.put(write(flood, str(number)), lambda outcome: None)
            accepted.append(number)

    flooding = threading.Thread(target=put_all)
    with publisher.held(writer, holder):
        flooding.start()
        assert until(lambda: len(accepted) == PENDING_WRITES_PER_SESSION)
        writer.submit(write(quiet))
        flooding.join(0.05)  # it is held up: no more gets in while the writer is busy
        assert (flooding.is_alive(), len(accepted)) == (True, PENDING_WRITES_PER_SESSION)
    flooding.join(SECONDS)
    assert until(lambda: len(payloads(flood)) == PENDING_WRITES_PER_SESSION + 10)
    assert payloads(flood) == [str(number) for number in range(PENDING_WRITES_PER_SESSION + 10)]


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


@pytest.mark.parametrize("others", [0, 2])
def test_publish_that_fails_neither_undoes_nor_repeats_the_commit(
    transactional_db: None, new_session: NewSession, others: int
) -> None:
    """Hints may be lost (invariant 7); what is committed stays as it is."""
    sessions = [new_session() for _ in range(1 + others)]

    def publish(hints: list[Hint]) -> None:
        raise RuntimeError("the event loop is closed")

    writer = LogWriter(publish)
    futures = [writer.submit(write(session)) for session in sessions]
    writer.start()
    assert [future.result(SECONDS).last_seq for future in futures] == [1] * len(sessions)
    writer.stop()
    assert [len(entries(session.id)) for session in sessions] == [1] * len(sessions)


def test_one_who_gave_up_waiting_stops_nobody(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    """A cancelled request cancels the future that it waited for; the write is under way all the same."""
    session, other = new_session(), new_session()
    with publisher.held(writer, holder):
        given_up = writer.submit(write(session))
        given_up.cancel()
        waited_for = writer.submit(write(other))
    assert waited_for.result(SECONDS).last_seq == 1
    assert writer.submit(write(session)).result(SECONDS).last_seq == 2


def test_settling_that_fails_stops_nobody(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    session, other = new_session(), new_session()

    def settle(outcome: Position | Exception) -> None:
        raise RuntimeError("can't start new thread")

    with publisher.held(writer, holder):
        writer.put(write(session), settle)
        waited_for = writer.submit(write(other))
    assert waited_for.result(SECONDS).last_seq == 1
    assert writer.submit(write(session)).result(SECONDS).last_seq == 2


def test_locked_database_is_tried_once_more(
    writer: LogWriter, new_session: NewSession, caplog: pytest.LogCaptureFixture
) -> None:
    session = new_session()
    impatient: Future[None] = Future()

    def lose_patience(outcome: Position | Exception) -> None:
        connection.cursor().execute("PRAGMA busy_timeout = 0")  # of the writer's connection, until it is new
        impatient.set_result(None)

    writer.put(write(session), lose_patience)
    impatient.result(SECONDS)
    with transaction.atomic():
        written = writer.submit(write(session))
        assert until(lambda: "trying once more" in caplog.text)
    assert written.result(SECONDS).last_seq == 2


def test_same_session_twice_is_refused(writer: LogWriter, holder: Session) -> None:
    twin = Session(id=holder.id, app_id=APP_ID)
    assert isinstance(writer.submit(twin).exception(SECONDS), IntegrityError)
    assert isinstance(writer.submit(Write(uuid.uuid4(), {"epoch": 0})).exception(SECONDS), FencedError)


def test_printed_text_is_kept_without_a_hint(
    writer: LogWriter, publisher: Publisher, new_session: NewSession
) -> None:
    session = new_session()
    for text in ("one ", "two"):
        writer.submit(Printed(session.id, text, 5)).result(SECONDS)
    assert PrintedText.objects.get(session=session).text == "e two"
    assert publisher.commits == []


def test_printed_text_that_cannot_be_stored_spoils_no_other_commit(
    writer: LogWriter, publisher: Publisher, new_session: NewSession, holder: Session
) -> None:
    session, bad = new_session(), new_session()
    with publisher.held(writer, holder):
        good = writer.submit(write(session))
        refused = writer.submit(Printed(bad.id, "\ud800", 5))
        gone = writer.submit(Printed(uuid.uuid4(), "text", 5))
    assert good.result(SECONDS).last_seq == 1
    gone.result(SECONDS)
    with pytest.raises(UnicodeEncodeError):
        refused.result(SECONDS)
