"""What a caller does to a session: start, fork, answer, rename, retry, cancel and delete it.

Each raises SessionNotFound for a session that the caller may not see, as for one that is not there.
With an idempotency key, starting and answering are done once: sent again, they only look up what
they have done; that raises KeyReused for another body, RequestInFlight while it is still being done.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from apps_app.events import encode_json
from apps_app.models import App
from apps_app.pending import InvalidAnswerError, NotPendingError, PendingPrompt, judge
from sessions_app import log_reading
from sessions_app.authentication import Caller
from sessions_app.database import briefly_in_database, in_database
from sessions_app.exceptions import (
    AppNotFound,
    InvalidAnswer,
    KeyReused,
    NotDiverged,
    NotPending,
    SessionEnded,
    SessionNotFound,
)
from sessions_app.exits import cancellation
from sessions_app.fork import standing_at
from sessions_app.frames import Entry
from sessions_app.idempotency import anyones_key, creation_key
from sessions_app.limits import Limits
from sessions_app.log_reading import Standing
from sessions_app.models import ENDED, PLAYABLE, Kind, Session, Status
from sessions_app.permissions import may_see
from sessions_app.server import server
from sessions_app.writes import FencedError, Fork, NewEntry, Removal, Work, Write


async def create_session(caller: Caller, app_id: str, *, idempotency_key: str = "") -> Session:
    """A new session of an active app, on its way to a runner; raises AppNotFound."""
    if not idempotency_key:
        return await _start(caller, app_id, None)
    kept = creation_key(caller, idempotency_key)
    while (session := await in_database(_started, caller, kept, idempotency_key)) is None:
        with server().in_flight.claim(kept), suppress(FencedError):  # it was started in the meantime
            return await _start(caller, app_id, kept)
    if session.app_id != app_id:
        raise KeyReused
    return session


def _started(caller: Caller, kept: str, idempotency_key: str) -> Session | None:
    """The session that the caller has started with this key, if there is one."""
    is_theirs = Q(idempotency_key=kept)
    if caller.user_id is None and caller.visitor is not None:
        # They may have got their id with the first answer, of which the rest was lost.
        is_theirs |= Q(idempotency_key=anyones_key(idempotency_key), visitor=caller.visitor)
    return Session.objects.filter(is_theirs).first()


async def _start(caller: Caller, app_id: str, idempotency_key: str | None) -> Session:
    app = await _startable(app_id)
    session = _new_session(caller, app)
    session.idempotency_key = idempotency_key
    await asyncio.wrap_future(server().writer.submit(session))
    server().dispatch.advance(session.id, app_id, app.entry_point)
    return session


async def fork(caller: Caller, session_id: str, after: int) -> Session:
    """A new session whose log begins as this one's up to seq `after`, and that goes on from there.

    Raises NotAForkPoint, and AppNotFound for an app that could not be started either.
    """
    source = await find_session(caller, session_id)
    app = await _startable(source.app_id)
    standing = await in_database(standing_at, source, after)
    session = _new_session(caller, app)
    session.last_seq, session.code_hash = after, source.code_hash
    session.status, session.pending = standing
    if session.status == Status.WAITING:
        session.wait_ends_at = Limits.of(app).wait_ends_at
    await _write(source, Fork(session, source.id))
    if session.status in PLAYABLE:
        server().dispatch.advance(session.id, app.id, app.entry_point)
    return session


async def _startable(app_id: str) -> App:
    """An active app, as far as starting it needs; raises AppNotFound."""
    app = await briefly_in_database(App.objects.startable, app_id)
    if app is None:
        raise AppNotFound(app_id)
    return app


def _new_session(caller: Caller, app: App) -> Session:
    """A row that is not written yet.

    It belongs to the caller: a user, or else a visitor, who is given an id if they have none yet.
    """
    session = Session(id=uuid.uuid4(), app_id=app.id, code_hash=app.code_hash, user_id=caller.user_id)
    session.life_ends_at = Limits.of(app).life_ends_at
    if caller.user_id is None:
        session.visitor = caller.visitor or uuid.uuid4()
    return session


def session_key(session_id: str) -> UUID:
    """The id as a session's row has it; raises SessionNotFound for what is no id at all."""
    try:
        key = UUID(session_id)
    except ValueError as error:
        raise SessionNotFound(session_id) from error
    if str(key) != session_id.lower():  # UUID() also reads other spellings, such as urn:uuid:...
        raise SessionNotFound(session_id)
    return key


async def find_session(caller: Caller, session_id: str) -> Session:
    """The session with this id."""
    session = await in_database(Session.objects.filter(id=session_key(session_id)).first)
    if session is None or not may_see(caller, session.user_id):
        raise SessionNotFound(session_id)
    return session


class _Interaction(NamedTuple):
    """What a caller has posted, and how it would be recorded."""

    session_id: UUID
    block_id: str
    block_type: str
    value: Any
    entry: NewEntry

    @property
    def claim(self) -> tuple[UUID, str] | None:
        """What its request holds while it runs."""
        key = self.entry.idempotency_key
        return (self.session_id, key) if key else None


async def answer(
    caller: Caller,
    session_id: str,
    block_id: str,
    block_type: str,
    value: Any,
    *,
    idempotency_key: str = "",
) -> UUID:
    """Record one interaction, all of it or nothing; raises SessionEnded, NotPending, InvalidAnswer.

    Of answers that race, the first to commit wins; the others are judged anew (invariant 4).
    """
    key = session_key(session_id)
    payload = _payload(block_id, block_type, value)
    entry = NewEntry(Kind.INTERACTION, payload, idempotency_key=idempotency_key)
    posted = _Interaction(key, block_id, block_type, value, entry)
    standing, recorded = await briefly_in_database(_look, caller, posted)
    while recorded is None:
        with server().in_flight.claim(posted.claim), suppress(FencedError):  # the session has changed
            return await _record(posted, standing)
        standing, recorded = await briefly_in_database(_look, caller, posted)
    if recorded != payload:
        raise KeyReused
    return key


def _payload(block_id: str, block_type: str, value: Any) -> bytes:
    try:
        return encode_json({"blockId": block_id, "value": value, "blockType": block_type})
    except (TypeError, RecursionError) as error:
        raise InvalidAnswer("The value is nested too deeply; send it flatter.") from error


def _look(caller: Caller, posted: _Interaction) -> tuple[Standing, bytes | None]:
    """How the session stands, and what has been recorded in it with the key that this was posted with."""
    standing = log_reading.standing(posted.session_id)
    if standing is None or not may_see(caller, standing.user_id):
        raise SessionNotFound(posted.session_id)
    # In this order: what is recorded after the look at the log has changed the row, and fences the write.
    key = posted.entry.idempotency_key
    return standing, log_reading.posted(posted.session_id, key) if key else None


async def _record(posted: _Interaction, standing: Standing) -> UUID:
    """Write it to the session as it was seen; raises FencedError where it is not so any more."""
    write = _write_of(posted, standing)
    position = await asyncio.wrap_future(server().writer.submit(write))
    recorded = Entry(position.last_seq, Kind.INTERACTION, False, posted.entry.payload)
    server().dispatch.wake(posted.session_id, recorded)
    return posted.session_id


def _write_of(posted: _Interaction, standing: Standing) -> Write:
    if standing.status in ENDED:
        raise SessionEnded(posted.session_id)
    pending = standing.pending if standing.status == Status.WAITING else []
    prompts = [PendingPrompt.model_validate(prompt) for prompt in pending]
    try:
        answers = judge(prompts, posted.block_id, posted.block_type, posted.value)
    except NotPendingError as error:
        raise NotPending(str(error)) from error
    except InvalidAnswerError as error:
        raise InvalidAnswer(str(error)) from error
    missing = [prompt for prompt in pending if prompt["block_id"] not in answers]
    return Write(
        posted.session_id,
        where={"status": Status.WAITING, "last_seq": standing.last_seq},
        entries=[posted.entry],
        changes={
            "status": Status.WAITING if missing else Status.RUNNING,
            "pending": missing,
            "turn_seq": standing.last_seq + 1,
        },
    )


async def rename(caller: Caller, session_id: str, title: str) -> Session:
    """Give a session a title of its user's own."""
    session = await find_session(caller, session_id)
    await _write(session, Write(session.id, where={}, changes={"title": title}))
    return await find_session(caller, session_id)


async def retry(caller: Caller, session_id: str) -> Session:
    """Have a diverged session played again; raises NotDiverged, also for all but one of those that race."""
    session = await find_session(caller, session_id)
    app = await in_database(App.objects.get, id=session.app_id)
    changes = {"status": Status.RUNNING, "divergence": None, "failure": "", "owner": ""}
    write = Write(session.id, where={"status": Status.DIVERGED}, changes=changes)
    try:
        await asyncio.wrap_future(server().writer.submit(write))
    except FencedError as error:
        raise NotDiverged(session.id) from error
    server().dispatch.advance(session.id, app.id, app.entry_point)
    return await find_session(caller, session_id)


async def cancel(caller: Caller, session_id: str) -> Session:
    """End a session for its user; one that has ended already stays as it is."""
    session = await find_session(caller, session_id)
    if session.is_ended:
        return session
    with suppress(SessionNotFound):  # it may end by itself in the meantime, which is as good
        await _write(session, cancellation(session.id, session.app_id))
    server().dispatch.halt(session.id)
    return await find_session(caller, session_id)


async def delete(caller: Caller, session_id: str) -> None:
    """End a session, and its streams with it; then remove it with its log."""
    session = await cancel(caller, session_id)
    await _write(session, Removal(session.id))
    with suppress(SessionNotFound):  # as soon as nothing is left of it
        while True:
            await _write(session, Removal(session.id))


async def _write(session: Session, work: Work) -> None:
    """Have it written; raises SessionNotFound where the session is not as the work expects it."""
    try:
        await asyncio.wrap_future(server().writer.submit(work))
    except FencedError as error:
        raise SessionNotFound(session.id) from error
