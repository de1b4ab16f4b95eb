"""Who may do what: every route, method, kind of caller, mode and kind of session, against a table."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from channels.layers import get_channel_layer
from django.db import transaction
from django.urls import reverse

from sessions_app import event_log
from sessions_app.authentication import OPERATOR, VISITOR_COOKIE, Caller
from sessions_app.conf import Access
from sessions_app.database import in_database
from sessions_app.models import Kind, Session, Status
from sessions_app.permissions import check_entry, may_see, own_sessions
from sessions_app.server import Server
from sessions_app.urls import urlpatterns
from sessions_app.writes import NewEntry, Write
from tests.deadline import until
from tests.sessions_app.asgi_client import AsgiClient
from tests.sessions_app.callers import Headers, by_cookie, by_token, new_token, new_user, sign_in
from tests.sessions_app.conftest import SetApp
from tests.sessions_app.playing import APP_ID, entries

NewSession = Callable[..., Session]

OPEN, LOGIN = Access.OPEN, Access.LOGIN
VISITOR = uuid.UUID(int=1)
UNKNOWN = uuid.UUID(int=2)
ASKED = [{"block_id": "input_request-1", "block_type": "input_request"}]
OK = 0  # whatever the call itself answers


class Call(NamedTuple):
    """A call that is in order: its rule, its status and its body."""

    rule: str
    status: int = 200
    body: Any = None


CALLS = {
    ("GET", "sessions"): Call("enter"),
    ("POST", "sessions"): Call("start", 201, {"app_id": APP_ID}),
    ("GET", "session"): Call("read"),
    ("PATCH", "session"): Call("change", 200, {"title": "new"}),
    ("DELETE", "session"): Call("change", 204),
    ("GET", "stream_session"): Call("read"),
    ("POST", "add_interaction"): Call(
        "change", 200, {"blockId": "input_request-1", "value": "x", "blockType": "text"}
    ),
    ("GET", "list_events"): Call("read"),
    ("POST", "cancel_session"): Call("change"),
    ("POST", "fork_session"): Call("change", 201, {"after": 0}),
    ("POST", "retry_session"): Call("change", 409),  # it has not diverged
    ("GET", "apps"): Call("enter"),
    ("GET", "app"): Call("enter"),
    ("GET", "deploy_config"): Call("public"),
    ("GET", "schema"): Call("public"),
    ("GET", "docs"): Call("public"),
    ("GET", "unknown"): Call("public", 404),
    ("GET", "health"): Call("public"),
    ("GET", "ready"): Call("public"),
}

# The last is the owner's browser without a CSRF token, as if another site made it call.
CALLERS = ("anonymous", "visitor", "owner", "other", "staff", "forged")
PUBLIC = (OK, OK, OK, OK, OK, OK)
ENTER = (401, 401, OK, OK, OK, OK)
START = (401, 401, OK, OK, OK, 401)

# By mode, and whether the session is a user's.
RIGHTS = {
    "public": dict.fromkeys([(OPEN, False), (OPEN, True), (LOGIN, False), (LOGIN, True)], PUBLIC),
    "enter": {(OPEN, False): PUBLIC, (OPEN, True): PUBLIC, (LOGIN, False): ENTER, (LOGIN, True): ENTER},
    "start": {(OPEN, False): PUBLIC, (OPEN, True): PUBLIC, (LOGIN, False): START, (LOGIN, True): START},
    "read": {
        (OPEN, False): (OK, OK, OK, OK, OK, OK),
        (OPEN, True): (404, 404, OK, 404, 404, OK),
        (LOGIN, False): (401, 401, 404, 404, 404, 404),
        (LOGIN, True): (401, 401, OK, 404, 404, OK),
    },
    "change": {
        (OPEN, False): (OK, OK, OK, OK, OK, OK),
        (OPEN, True): (404, 404, OK, 404, 404, 404),
        (LOGIN, False): (401, 401, 404, 404, 404, 401),
        (LOGIN, True): (401, 401, OK, 404, 404, 401),
    },
}


def routes() -> Iterator[tuple[str, str]]:
    """Every method and route that there is."""
    for route in urlpatterns:
        callback: Any = route.callback
        yield from ((method, str(route.name)) for method in getattr(callback, "methods", ["GET"]))


def test_table_has_every_route() -> None:
    assert sorted(routes()) == sorted(CALLS)


@pytest.fixture
async def users(server: Server) -> dict[str, Any]:
    def make() -> dict[str, Any]:
        names = {"owner": False, "other": False, "staff": True}
        return {
            name: new_user(name, is_staff=is_staff, is_superuser=is_staff) for name, is_staff in names.items()
        }

    return dict(await in_database(make))


@pytest.fixture
async def callers(users: dict[str, Any]) -> list[tuple[str, Headers]]:
    """Each kind of caller with each kind of credential."""

    def make() -> list[tuple[str, Headers]]:
        tokens = [(name, by_token(new_token(user))) for name, user in users.items()]
        cookies = [(name, by_cookie(sign_in(user))) for name, user in users.items()]
        forged = by_cookie(sign_in(users["owner"]), with_csrf_token=False)
        visitor = {"Cookie": f"{VISITOR_COOKIE}={VISITOR}"}
        return [("anonymous", {}), ("visitor", visitor), ("forged", forged), *tokens, *cookies]

    return list(await in_database(make))


@pytest.fixture
def add_session(users: dict[str, Any], new_session: NewSession) -> Callable[[bool], Session]:
    """Inserts a session that waits for a text, of the owner or of the visitor."""

    def add(of_user: bool) -> Session:
        belongs = {"user": users["owner"]} if of_user else {"visitor": VISITOR}
        return new_session(status=Status.WAITING, pending=ASKED, **belongs)

    return add


def address(route: str, session_id: uuid.UUID) -> str:
    names = {"session_id": str(session_id), "app_id": APP_ID, "rest": "no/such/call"}
    (pattern,) = (pattern for pattern in urlpatterns if pattern.name == route)
    return reverse(route, kwargs={name: names[name] for name in pattern.pattern.regex.groupindex})


class Outcome(NamedTuple):
    """A response: its status, its headers, and its body, of which a stream's is not read."""

    status: int
    headers: dict[str, str]
    body: bytes


async def call(headers: Headers, method: str, route: str, session_id: uuid.UUID) -> Outcome:
    response = await AsgiClient(headers).send(method, address(route, session_id), CALLS[method, route].body)
    if response.headers["content-type"] != "text/event-stream":
        return Outcome(response.status, response.headers, await response.read())
    await response.call.hang_up()
    return Outcome(response.status, response.headers, b"")


async def state(session: Session) -> Any:
    """All that is stored of a session."""
    row = await in_database(Session.objects.filter(id=session.id).values().first)
    return row, await in_database(entries, session.id)


def groups() -> dict[str, Any]:
    return dict(get_channel_layer().groups)


@pytest.mark.parametrize("of_user", [False, True], ids=["anonymous session", "user's session"])
@pytest.mark.parametrize("mode", [OPEN, LOGIN])
@pytest.mark.parametrize(("method", "route"), CALLS)
async def test_table(
    app: SetApp,
    settings: Any,
    callers: list[tuple[str, Headers]],
    add_session: Callable[[bool], Session],
    method: str,
    route: str,
    mode: Access,
    of_user: bool,
) -> None:
    app(lambda: None)
    settings.YERA_ACCESS = mode
    expected = CALLS[method, route]
    rights = dict(zip(CALLERS, RIGHTS[expected.rule][mode, of_user], strict=True))
    for name, headers in callers:
        session = await in_database(add_session, of_user)
        before = await state(session)
        outcome = await call(headers, method, route, session.id)
        assert outcome.status == (rights[name] or expected.status), (name, headers)
        if rights[name]:
            assert await state(session) == before, "a refused call changes nothing"
            assert await asyncio.to_thread(until, lambda: not groups())
        if outcome.status == 401:
            assert outcome.headers["www-authenticate"] == "Token"
            assert json.loads(outcome.body)["code"] == "not_signed_in"
        if rights[name] == 404:
            assert_same_but_for_the_id(outcome, await call(headers, method, route, UNKNOWN), session)


def assert_same_but_for_the_id(forbidden: Outcome, unknown: Outcome, session: Session) -> None:
    body = forbidden.body.replace(str(session.id).encode(), str(UNKNOWN).encode())
    assert forbidden._replace(body=body) == unknown
    assert json.loads(body)["code"] == "session_not_found"


async def test_hidden_session_costs_what_an_unknown_one_costs(
    callers: list[tuple[str, Headers]], add_session: Callable[[bool], Session], queries: list[str]
) -> None:
    """Else the time that it takes would tell of it. It has a log that could be read."""
    hidden = await in_database(add_session, True)
    await in_database(append, hidden)
    (other,) = (headers for name, headers in callers if name == "other" and "Authorization" in headers)
    for method, route in CALLS:
        if CALLS[method, route].rule in ("read", "change"):
            asked = []
            for session_id in (hidden.id, UNKNOWN):
                queries.clear()
                assert (await call(other, method, route, session_id)).status == 404
                asked.append([*queries])
            assert asked[0] == asked[1], (method, route)


def append(session: Session) -> None:
    with transaction.atomic():
        event_log.apply(Write(session.id, {}, [NewEntry(Kind.EVENT, b'{"x":1}')]))


@pytest.mark.parametrize("body", [b"", b"not JSON", b"{}", b'{"title": "x\\u0000"}'])
async def test_body_that_is_refused_tells_nothing_of_a_hidden_session(
    callers: list[tuple[str, Headers]], add_session: Callable[[bool], Session], body: bytes
) -> None:
    hidden = await in_database(add_session, True)
    (other,) = (headers for name, headers in callers if name == "other" and "Authorization" in headers)
    headers = {**other, "Content-Type": "application/json"}
    for method, route in CALLS:
        if CALLS[method, route].rule == "change":
            answers = [
                await AsgiClient(headers).call(method, address(route, session_id), body=[body])
                for session_id in (hidden.id, UNKNOWN)
            ]
            hidden_body = (await answers[0].read()).replace(str(hidden.id).encode(), str(UNKNOWN).encode())
            assert (answers[0].status, hidden_body) == (answers[1].status, await answers[1].read())


@pytest.mark.parametrize("mode", [OPEN, LOGIN])
async def test_list_holds_ones_own(
    settings: Any,
    callers: list[tuple[str, Headers]],
    add_session: Callable[[bool], Session],
    mode: Access,
) -> None:
    settings.YERA_ACCESS = mode
    anonymous, users = await in_database(add_session, False), await in_database(add_session, True)
    own = {"visitor": [str(anonymous.id)], "owner": [str(users.id)], "forged": [str(users.id)]}
    for name, headers in callers:
        response = await AsgiClient(headers).get("/api/session")
        if response.status == 200:
            listed = [session["session_id"] for session in (await response.json())["sessions"]]
            assert listed == own.get(name, []), name
        else:
            assert (name in ("anonymous", "visitor"), mode) == (True, LOGIN)


async def test_session_belongs_to_who_starts_it(
    app: SetApp, callers: list[tuple[str, Headers]], users: dict[str, Any]
) -> None:
    app(lambda: None)
    for name, headers in callers:
        session_id = await AsgiClient(headers).create(APP_ID)
        session = await in_database(Session.objects.get, id=session_id)
        owner = users.get(name)
        assert session.user_id == (owner and owner.id), name
        assert (session.visitor is None) == (owner is not None), name
        assert (session.visitor == VISITOR) == (name == "visitor"), name


@pytest.mark.parametrize("mode", [OPEN, LOGIN])
def test_operator_sees_all(settings: Any, mode: Access) -> None:
    settings.YERA_ACCESS = mode
    check_entry(OPERATOR)
    assert may_see(OPERATOR, None)
    assert may_see(OPERATOR, 3)


async def test_visitors_sessions_are_not_the_users_of_that_browser(
    users: dict[str, Any], add_session: Callable[[bool], Session]
) -> None:
    session = await in_database(add_session, False)
    signed_in = Caller(users["owner"].id, VISITOR)
    assert await in_database(list, own_sessions(signed_in)) == []
    assert await in_database(list, own_sessions(Caller(visitor=VISITOR))) == [session]
