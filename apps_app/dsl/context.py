"""Where an author's call lands: the session being played, its apps and layouts now open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from apps_app.blocks import BlockData
from apps_app.dsl.runtime import Runtime, UsageError
from apps_app.events import Event

if TYPE_CHECKING:
    from apps_app.dsl.app import App
    from apps_app.dsl.layout import Layout


@dataclass(frozen=True)
class SessionContext:
    """One run of an app, as seen from one place in its code.

    `is_async`: the outermost app runs in an event loop, so nothing may block. Entering an app or
    a layout makes a new context over the same runtime, for this task alone: steps that run side
    by side do not see each other's layouts. An app's workspace lasts as long as its call.
    """

    runtime: Runtime
    is_async: bool = False
    apps: tuple[App[..., Any], ...] = ()
    layouts: tuple[Layout, ...] = ()
    workspace: dict[Any, Any] = field(default_factory=dict)

    @property
    def app(self) -> App[..., Any]:
        """The innermost app now running."""
        return self.apps[-1]

    @property
    def parent_block_id(self) -> str | None:
        return self.layouts[-1].block_id if self.layouts else None

    @contextmanager
    def entered(self, app: App[..., Any]) -> Iterator[None]:
        """`app` is the innermost one inside the block, with a workspace of its own."""
        with playing(replace(self, apps=(*self.apps, app), workspace={})):
            yield


class Handle:
    """A block as its author holds it: takes its id when made, counts its chunks from 1."""

    __slots__ = ("_chunk_id", "block_id")

    def __init__(self, block_type: str) -> None:
        self.block_id = current().runtime.new_block(block_type)
        self._chunk_id = 0

    def emit(self, data: BlockData) -> None:
        """Show the next chunk, under the app and in the layout that are open at this moment."""
        context = current()
        context.runtime.emit(self.next_event(data, context))

    def next_event(self, data: BlockData, context: SessionContext) -> Event:
        self._chunk_id += 1
        return Event(self.block_id, self._chunk_id, data, context.app.id, context.parent_block_id)


_current: ContextVar[SessionContext] = ContextVar("yera_session")


def current() -> SessionContext:
    """The session that this code runs in; raises UsageError outside of one."""
    try:
        return _current.get()
    except LookupError:
        raise UsageError(
            "This call needs a running session. Call it from the function decorated with @yr.app, "
            "not at import time and not from a thread of your own."
        ) from None


def in_session() -> bool:
    """Whether this code runs in a session."""
    return _current.get(None) is not None


def current_sync(name: str) -> SessionContext:
    """The session, for the call `name` that blocks; refuses it where it would block an event loop."""
    context = current()
    if context.is_async:
        raise UsageError(f"yr.{name} would block the event loop. In an async app use yr.a{name}.")
    return context


@contextmanager
def playing(context: SessionContext) -> Iterator[None]:
    """Author calls inside the block land in `context`."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def set_layouts(layouts: tuple[Layout, ...]) -> None:
    """From here on these layouts are open, the outermost first."""
    _current.set(replace(current(), layouts=layouts))
