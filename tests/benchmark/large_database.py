"""What lists and pages cost beside 1 million sessions and 10 million log entries.

Each page is a request over a kept connection, from sending it to having read its whole answer. The
server is warm, and so is the file in the system's cache: it was written just before.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import httpx

from sessions_app.authentication import VISITOR_COOKIE
from tests.benchmark.figures import Figure, at_most, timings
from tests.benchmark.latency import timed
from tests.benchmark.population import BUSY_KEY, Population
from tests.benchmark.raw_client import RawConnection
from tests.benchmark.serving import APPS
from tests.server import ROOT, ServerProcess

SESSIONS, SHORT_SESSIONS = 1_000_000, 2_000
ROUNDS, SHORT_ROUNDS = 20, 2
BYTES_PER_SESSION = 8_000  # on the disk, with its log and its indexes, and room to spare
GOAL = at_most(100)
ROW = "growth: 1 million sessions"
OPERATOR, PASSWORD = "root", "correct horse"
LIST, ADMIN, APP_ADMIN = "/api/session", "/admin/sessions_app/session/", "/admin/apps_app/app/"


def large_database(*, short: bool) -> list[Figure]:
    population = Population(SHORT_SESSIONS if short else SESSIONS)
    rounds = SHORT_ROUNDS if short else ROUNDS
    with serving_large(population) as server:
        pages = {**api_pages(server, population), **admin_pages(server)}
        figures = [measured(name, client, path, rounds) for name, (client, path) in pages.items()]
        return [*figures, first_event(server, rounds)]


@contextmanager
def serving_large(population: Population) -> Iterator[ServerProcess]:
    """Our server on a database that is filled while it is down."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < population.sessions * BYTES_PER_SESSION:
            raise OSError(f"{folder} has no room for {population.sessions} sessions with their logs.")
        server = ServerProcess(folder, YERA_APPS_DIRS=str(APPS)).start()
        server.terminate()
        population.fill(folder / "db.sqlite3")
        create_operator(server)
        server.start()
        try:
            yield server
        finally:
            server.dispose()


def create_operator(server: ServerProcess) -> None:
    environment = {**server.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    command = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--email", "root@example.org"]
    subprocess.run([*command, "--username", OPERATOR], env=environment, cwd=ROOT, check=True)


Pages = Mapping[str, tuple[httpx.Client, str]]


def api_pages(server: ServerProcess, population: Population) -> Pages:
    """What a user with a tenth of all sessions asks for, and a visitor with few."""
    user = browser(server, headers={"Authorization": f"Token {BUSY_KEY}"})
    visitor = browser(server, cookies={VISITOR_COOKIE: str(population.visitor)})
    rare_app, frequent_app = apps(server)
    later = user.get(LIST, params={"limit": 100}).json()["next"]
    session = longest(server)
    return {
        "list": (user, LIST),
        "list, a later page": (user, f"{LIST}?cursor={later}"),
        "list, finished": (user, f"{LIST}?status=finished"),
        "list, diverged (few)": (user, f"{LIST}?status=diverged"),
        "list, running (none)": (user, f"{LIST}?status=running"),
        "list, a frequent app": (user, f"{LIST}?app_id={frequent_app}"),
        "list, a rare app": (user, f"{LIST}?app_id={rare_app}"),
        "list, finished of a rare app": (user, f"{LIST}?status=finished&app_id={rare_app}"),
        "list, diverged of a frequent app": (user, f"{LIST}?status=diverged&app_id={frequent_app}"),
        "list of a visitor": (visitor, LIST),
        "session": (visitor, f"{LIST}/{session}"),
        "events": (visitor, f"{LIST}/{session}/events"),
        "events, the last 100": (visitor, f"{LIST}/{session}/events?after=900"),
        "ready": (visitor, "/ready"),
    }


def admin_pages(server: ServerProcess) -> Pages:
    operator = signed_in(server)
    rare_app, frequent_app = apps(server)
    session = longest(server)
    paths = {
        "index": "/admin/",
        "sessions": ADMIN,
        "sessions, page 2": f"{ADMIN}?p=2",
        "sessions, the last page": f"{ADMIN}?p={last_page(operator)}",
        "sessions, oldest first": f"{ADMIN}?o=5",
        "sessions, finished": f"{ADMIN}?status__exact=finished",
        "sessions, diverged": f"{ADMIN}?status__exact=diverged",
        "sessions, running (none)": f"{ADMIN}?status__exact=running",
        "sessions of a frequent app": f"{ADMIN}?app__id__exact={frequent_app}",
        "sessions of a rare app": f"{ADMIN}?app__id__exact={rare_app}",
        "finished sessions of a rare app": f"{ADMIN}?app__id__exact={rare_app}&status__exact=finished",
        "running sessions of a frequent app": f"{ADMIN}?app__id__exact={frequent_app}&status__exact=running",
        "sessions, searched by id": f"{ADMIN}?q={session}",
        "sessions, searched by an id's beginning": f"{ADMIN}?q={session[:8]}",
        "sessions, searched by user": f"{ADMIN}?q=user-1",
        "sessions, searched in vain": f"{ADMIN}?q=nothing",
        "session": f"{ADMIN}{session}/change/",
        "session, its history": f"{ADMIN}{session}/history/",
        "apps": APP_ADMIN,
        "app": f"{APP_ADMIN}{frequent_app}/change/",
    }
    return {f"admin: {name}": (operator, path) for name, path in paths.items()}


def browser(
    server: ServerProcess, *, headers: dict[str, str] | None = None, cookies: dict[str, str] | None = None
) -> httpx.Client:
    """A client that lives as long as this process."""
    return httpx.Client(
        base_url=server.url,
        headers=headers,
        cookies=cookies,
        timeout=60,
        trust_env=False,
        follow_redirects=True,
    )


def signed_in(server: ServerProcess) -> httpx.Client:
    operator = browser(server)
    operator.get("/admin/login/")
    form = {"username": OPERATOR, "password": PASSWORD, "csrfmiddlewaretoken": operator.cookies["csrftoken"]}
    operator.post("/admin/login/", data=form).raise_for_status()
    return operator


def last_page(operator: httpx.Client) -> int:
    """The last page that the list of sessions leads to."""
    return max(map(int, re.findall(r'href="\?p=(\d+)"', operator.get(ADMIN).text)), default=1)


def apps(server: ServerProcess) -> tuple[str, str]:
    """A rare and a frequent app."""
    ids = sorted(app["id"] for app in browser(server).get("/api/apps").json()["apps"])
    return ids[-1], ids[0]


def longest(server: ServerProcess) -> str:
    """A session of LONG_ENTRIES that anybody may see."""
    query = "SELECT id FROM sessions_app_session WHERE user_id IS NULL ORDER BY last_seq DESC LIMIT 1"
    with closing(sqlite3.connect(server.folder / "db.sqlite3")) as database:
        ((session,),) = database.execute(query)
    return str(UUID(session))


def measured(name: str, client: httpx.Client, path: str, rounds: int) -> Figure:
    client.get(path).raise_for_status()  # warm
    return timings(ROW, name, [timed(lambda: client.get(path)) for _ in range(rounds)], [GOAL])


def first_event(server: ServerProcess, rounds: int) -> Figure:
    """POST session to its first event."""
    calls = RawConnection(server.port)

    def start() -> None:
        session = calls.post(LIST, {"app_id": "echo.echo"})["session_id"]
        stream = RawConnection(server.port)
        stream.open_stream(f"{LIST}/{session}/stream")
        stream.next_event()
        stream.close()

    start()
    return timings(ROW, "first event", [timed(start) for _ in range(rounds)], [GOAL])
