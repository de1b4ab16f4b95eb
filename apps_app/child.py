"""Calling a function in a child process, which it may end or hang without harm to this one."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

A = TypeVar("A")
R = TypeVar("R")

END_SECONDS = 1.0


class ChildError(RuntimeError):
    """The child gave no result; the message is what a sentence about it goes on with."""


def in_child(function: Callable[[A], R], argument: A, seconds: float) -> R:
    """What the function returns, which must be picklable; raises ChildError when there is nothing by then.

    Forks: call it where no other threads run. Python's fault handler writes where a child crashed
    or hung to stderr.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_call, args=(function, argument, sender), daemon=True)
    child.start()
    sender.close()
    with receiver:
        try:
            if receiver.poll(seconds):
                result: R = receiver.recv()
                return result
        except EOFError:
            child.join()
            raise ChildError(f"ended its process with exit code {child.exitcode}.") from None
        finally:
            _end(child, seconds)
    raise ChildError(f"does not come to an end within {seconds:g} s.")


def _end(child: BaseProcess, seconds: float) -> None:
    """Give a child that is done a moment to go; have any other say where it is."""
    child.join(min(seconds, END_SECONDS))
    if child.pid is not None and child.is_alive():
        os.kill(child.pid, signal.SIGABRT)
        child.join(END_SECONDS)
        child.kill()
        child.join()


def _call(function: Callable[[Any], Any], argument: Any, sender: Connection) -> None:
    faulthandler.enable(sys.__stderr__ or sys.stderr)
    sender.send(function(argument))
    os._exit(0)  # nothing of the parent's is to be cleaned up here
