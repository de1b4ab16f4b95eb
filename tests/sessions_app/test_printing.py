"""What apps print is kept by session, the latest of it, and shown on the real streams."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from sessions_app import printing
from sessions_app.log_writer import LogWriter
from sessions_app.models import PrintedText, Session
from sessions_app.printing import AppStream, Printer, Prints
from tests.deadline import until
from tests.sessions_app.printed import is_kept, kept, new_console, on

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20.0
NewSession = Callable[..., Session]


@pytest.fixture
def console() -> io.TextIOWrapper:
    return new_console()


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
    assert len(writer._queue._lines[prints._session_id]) == 1
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
