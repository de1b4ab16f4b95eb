"""What apps print is kept by session, the latest of it, whichever thread or task of theirs printed it."""

from __future__ import annotations

import asyncio
import contextvars
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import apps_app.dsl as yr
from sessions_app import printing
from sessions_app.exits import cancellation
from sessions_app.log_writer import LogWriter
from sessions_app.models import LIVE, PrintedText, Session, Status
from sessions_app.printing import AppStream, Printer, Prints
from sessions_app.runner import Runner
from tests.deadline import until
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID, ENTRY_POINT

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20.0
NewSession = Callable[..., Session]
Start = Callable[[Callable[..., Any]], Session]


@pytest.fixture
def console() -> io.TextIOWrapper:
    """A real stream of the process; it can show ASCII only."""
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="", write_through=True)


def on(console: io.TextIOWrapper) -> str:
    return bytes(console.buffer.getvalue()).decode("ascii")  # type: ignore[attr-defined]


@pytest.fixture
def stream(console: io.TextIOWrapper) -> Any:
    """What stands for it, as `print` in an app finds it."""
    return AppStream(console)


def install_over(console: io.TextIOWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the test itself: pytest puts its own streams in place after the fixtures."""
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "stderr", console)
    printing.install()


@pytest.fixture
def prints(writer: LogWriter, new_session: NewSession) -> Prints:
    return Printer(writer).prints_of(new_session().id)


@pytest.fixture
def runner(writer: LogWriter, loop: asyncio.AbstractEventLoop) -> Iterator[Runner]:
    runner = Runner("me", writer, loop)
    yield runner
    for session in Session.objects.filter(status__in=LIVE):
        writer.submit(cancellation(session.id, session.app_id)).result(SECONDS)
        runner.halt(session.id)
    assert until(lambda: not any(thread.name.startswith("run-") for thread in threading.enumerate()))


@pytest.fixture
def start(runner: Runner, app: SetApp, new_session: NewSession) -> Start:
    def start(function: Callable[..., Any]) -> Session:
        app(function)
        session = new_session()
        runner.advance(session.id, APP_ID, ENTRY_POINT)
        return session

    return start


def kept() -> str:
    """What is kept of the one session there is."""
    return "".join(PrintedText.objects.values_list("text", flat=True))


def is_kept(text: str) -> bool:
    return kept() == text


def saved(save: Callable[[], None]) -> bool:
    save()
    return True


def comes_to(session: Session, status: Status) -> bool:
    return until(lambda: Session.objects.filter(id=session.id, status=status).exists())


# By themselves.


def test_text_goes_to_both_and_outside_to_the_stream_alone(
    console: io.TextIOWrapper, stream: Any, prints: Prints
) -> None:
    print("before", file=stream)
    with prints.caught():
        print("out", 1, file=stream)
        stream.writelines(["err", "\n"])
    print("after", file=stream)
    assert on(console) == "before\nout 1\nerr\nafter\n"
    assert until(lambda: kept() == "out 1\nerr\n")


def test_installed_streams_stand_for_the_real_ones(
    console: io.TextIOWrapper, prints: Prints, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_over(console, monkeypatch)
    with prints.caught():
        sys.stdout.write("out")
        sys.stderr.write("err")
    assert on(console) == "outerr"
    assert until(lambda: kept() == "outerr")


def test_full_disk_under_the_stream_fails_no_app(prints: Prints) -> None:
    long = "one " * 5000  # more than is buffered
    with pytest.raises(OSError, match="space"), open("/dev/full", "w") as full:  # raised as it is closed
        stream: Any = AppStream(full)
        with prints.caught():
            print(long, file=stream)
            print("two", file=stream, flush=True)
    assert until(lambda: kept() == f"{long}\ntwo\n")


def test_stream_that_cannot_show_a_text_fails_no_app(
    console: io.TextIOWrapper, stream: Any, prints: Prints
) -> None:
    with prints.caught():
        assert stream.write("é\ud800") == 2
    assert on(console) == "\\xe9\\ud800"
    assert until(lambda: kept() == "é\ufffd")


def test_app_cannot_close_the_streams(console: io.TextIOWrapper, stream: Any, prints: Prints) -> None:
    with prints.caught():
        stream.close()
        print("still here", flush=True, file=stream)
    assert (stream.encoding, on(console)) == ("ascii", "still here\n")


def test_what_a_database_cannot_store_is_replaced(prints: Prints) -> None:
    for text in ("a\0b\udc80", "\ud83d", "\ude00"):  # the last two are halves of one character
        prints.add(text)
    prints.save()
    assert until(lambda: kept() == "a\ufffdb\ufffd\U0001f600")


def test_latest_is_kept(settings: Any, writer: LogWriter, new_session: NewSession) -> None:
    settings.YERA_PRINTED_CHARACTERS = 10
    prints = Printer(writer).prints_of(new_session().id)
    for text, latest in (("01", "01"), ("é" * 9, "1" + "é" * 9), ("x" * 99 + "end", "xxxxxxxend")):
        for part in text:
            prints.add(part)
        prints.save()
        assert until(partial(is_kept, latest))


def test_flood_is_bounded_while_nothing_can_be_written(
    settings: Any, transactional_db: None, new_session: NewSession
) -> None:
    settings.YERA_PRINTED_CHARACTERS = 100
    writer = LogWriter(lambda hints: None)
    printer = Printer(writer)
    prints = printer.prints_of(new_session().id)
    for number in range(10_000):
        prints.add(f"{number}\n")
        printer.save()
    assert prints._text.tell() <= 200
    assert len(writer._queue._jobs[prints._session_id]) == 1
    writer.start()
    assert until(lambda: kept().endswith("9998\n9999\n"))  # the rest, without being asked again
    assert len(kept()) == 100
    writer.stop()


def test_nothing_new_is_not_written(prints: Prints) -> None:
    prints.add("once")
    prints.save()
    assert until(lambda: kept() == "once")
    first = PrintedText.objects.get().updated_at
    prints.save()
    prints.add("")
    prints.save()
    assert until(lambda: PrintedText.objects.get().updated_at > first)
    assert kept() == "once"


def test_what_comes_during_a_write_is_written_before_the_writer_stops(
    writer: LogWriter, new_session: NewSession
) -> None:
    printer = Printer(writer)
    prints = printer.prints_of(new_session().id)
    prints.add("first ")
    prints.save()
    prints.add("last")
    printer.save()  # a sweep, while the first is under way
    printer.finish()
    writer.stop()
    assert kept() == "first last"


def test_print_inside_of_a_print_does_not_hang(prints: Prints) -> None:
    """As from a `__del__` that the garbage collector calls at any time."""

    class Talkative(str):
        def __getitem__(self, key: Any) -> str:
            prints.add("inner ")
            return str(self)

    printing_thread = threading.Thread(target=prints.add, args=[Talkative("outer")], daemon=True)
    printing_thread.start()
    printing_thread.join(SECONDS)
    assert not printing_thread.is_alive()
    prints.save()
    assert until(lambda: kept() == "inner outer")


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it has threads, as a runner has
def test_forked_child_keeps_nothing(
    console: io.TextIOWrapper, prints: Prints, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_over(console, monkeypatch)
    with prints.caught():
        child = os.fork()
        if child == 0:
            sys.stdout.write("child")
            os._exit(0 if prints._text.tell() == 0 else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert kept() == ""


def test_deleted_session_keeps_nothing(prints: Prints, writer: LogWriter) -> None:
    Session.objects.all().delete()
    prints.add("late")
    prints.save()
    assert until(lambda: not prints._is_saving)
    assert not PrintedText.objects.exists()


# In a runner.


def test_it_can_be_read_while_the_session_waits(start: Start, stream: Any) -> None:
    def main() -> None:
        print("asking", file=stream)
        yr.text_input("Who?")

    assert comes_to(start(main), Status.WAITING)
    assert until(lambda: kept() == "asking\n")


def test_what_is_printed_at_the_end_is_kept(
    start: Start, runner: Runner, writer: LogWriter, stream: Any
) -> None:
    def main() -> None:
        try:
            yr.text_input("Who?")
        finally:
            print("unwinding", file=stream)

    session = start(main)
    assert comes_to(session, Status.WAITING)
    writer.submit(cancellation(session.id, APP_ID)).result(SECONDS)
    runner.halt(session.id)
    assert until(lambda: kept() == "unwinding\n")


def test_sweep_saves_what_a_busy_app_prints(start: Start, runner: Runner, stream: Any) -> None:
    go_on = threading.Event()

    def main() -> None:
        print("working", file=stream)
        assert go_on.wait(SECONDS)

    session = start(main)
    assert until(lambda: saved(runner.sweep) and kept() == "working\n")
    go_on.set()
    assert comes_to(session, Status.FINISHED)


def test_tasks_and_threads_of_an_async_app(start: Start, runner: Runner, stream: Any) -> None:
    async def main() -> None:
        async def other() -> None:
            print("task", file=stream)

        await asyncio.create_task(other())
        await asyncio.to_thread(stream.write, "thread\n")
        print("own", file=stream)

    assert comes_to(start(main), Status.FINISHED)
    assert until(lambda: kept() == "task\nthread\nown\n")


def test_what_outlives_its_run_is_swept(start: Start, runner: Runner, stream: Any) -> None:
    may_end = threading.Event()

    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, linger)

    def linger() -> None:
        assert may_end.wait(SECONDS)
        print("late", file=stream)

    assert comes_to(start(main), Status.FINISHED)
    may_end.set()
    assert until(lambda: saved(runner.sweep) and kept() == "late\n")


def test_sessions_are_kept_apart(start: Start, stream: Any, console: io.TextIOWrapper) -> None:
    both = threading.Barrier(2)
    names = iter("ab")

    def main() -> None:
        name = next(names)
        for _ in range(50):
            both.wait(SECONDS)
            print(name, file=stream)

    sessions = [start(main), start(main)]
    assert all(comes_to(session, Status.FINISHED) for session in sessions)
    assert until(
        lambda: sorted(PrintedText.objects.values_list("text", flat=True)) == ["a\n" * 50, "b\n" * 50]
    )
    assert sorted(on(console).split()) == sorted("ab" * 50)


def test_what_a_file_prints_while_it_does_not_load_is_kept(
    runner: Runner, stream: Any, app: SetApp, new_session: NewSession, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    file = tmp_path / "broken.py"
    file.write_text("print('loading')\nraise ValueError\n")
    session = new_session()
    runner.advance(session.id, APP_ID, f"{file}:main")
    assert comes_to(session, Status.FAILED)
    assert until(lambda: kept() == "loading\n")
