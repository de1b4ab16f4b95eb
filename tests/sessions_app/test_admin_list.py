"""The admin's list of sessions: what is found in it, and that no statement goes through all of them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sessions_app import admin, admin_list
from sessions_app.admin_list import ids_from
from sessions_app.models import Session, Status
from tests.sessions_app.operators import LIST, ended, signed_in
from tests.sessions_app.playing import APP_ID

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]
FILTERS = [
    "",
    "?o=5",
    "?o=-5",
    "?o=1.-2.3.4.6.7.8",
    "?p=2",
    "?q=ada",
    "?q=0123abcd",
    "?q=nothing",
    f"?app__id__exact={APP_ID}",
    "?_facets=True",
    *(f"?status__exact={status}" for status in Status),
    *(f"?status__exact={status}&app__id__exact={APP_ID}" for status in Status),
]


@pytest.fixture
def operator(transactional_db: None) -> Client:
    return signed_in(User.objects.create_superuser("root"))


@pytest.fixture
def few_listed(monkeypatch: pytest.MonkeyPatch) -> int:
    """So few sessions are listed that a test can make more."""
    for module in (admin, admin_list):
        monkeypatch.setattr(module, "LISTED", 2)
    monkeypatch.setattr(admin.SessionAdmin, "list_per_page", 1)
    return 2


def listed(operator: Client, query: str | dict[str, str] = "") -> list[str]:
    """The ids on a page of the list."""
    response = operator.get(LIST, query) if isinstance(query, dict) else operator.get(LIST + query)
    assert response.status_code == 200
    return re.findall(r'_selected_action" value="([^"]+)', response.content.decode())


def ids(*sessions: Session) -> list[str]:
    return [str(session.id) for session in sessions]


@pytest.mark.parametrize("query", FILTERS)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by how many rows there are")
def test_no_statement_goes_through_all_sessions(
    new_session: NewSession, operator: Client, query: str
) -> None:
    ada = User.objects.create_user("ada")
    for _ in range(51):
        new_session(user=ada)
    with CaptureQueriesContext(connection) as captured:
        operator.get(LIST + query)
    statements = [each["sql"] for each in captured if 'FROM "sessions_app_session"' in each["sql"]]
    assert len(statements) == 2, "one counts, one reads"
    for statement in statements:
        assert is_looked_up(statement), statement


def is_looked_up(statement: str) -> bool:
    """Whether it finds sessions in an index; all, and all that live, are read in the order of one."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        plan = [row[3] for row in cursor.fetchall()]
    reads = [line for line in plan if "sessions_app_session" in line]
    is_of_all = " WHERE " not in statement
    return bool(reads) and all(
        " INDEX " in line and ("SEARCH" in line or "session_live" in line or is_of_all) for line in reads
    )


def test_list_is_counted_up_to_a_bound(few_listed: int, new_session: NewSession, operator: Client) -> None:
    sessions = [new_session() for _ in range(few_listed + 1)]
    html = operator.get(LIST).content.decode()
    assert f"{few_listed} sessions" in html
    assert "?p=2" in html
    assert "?p=3" not in html
    assert listed(operator, "?p=2") == ids(sessions[1])


def test_all_that_are_selected_are_those_that_are_listed(
    few_listed: int, new_session: NewSession, operator: Client
) -> None:
    sessions = [new_session(**ended()) for _ in range(few_listed + 1)]
    form = {"action": "cancel", "index": "0", "select_across": "1", "_selected_action": str(sessions[-1].id)}
    html = operator.post(LIST, form, follow=True).content.decode()
    assert f"Cancelled: 0. Had ended already: {few_listed}." in html


def test_search_finds_by_id_or_user(new_session: NewSession, operator: Client) -> None:
    grace = User.objects.create_user("grace")
    graces = [new_session(user=grace), new_session(user=grace)]
    other = new_session(title="grace")
    assert listed(operator, {"q": "grace"}) == ids(*reversed(graces))
    for length in (36, 13, 8):
        assert listed(operator, {"q": str(other.id)[:length].upper()}) == ids(other)
    for words in (str(other.id)[:7], "gra", "nobody", f"{other.id}0"):
        assert listed(operator, {"q": words}) == []
    assert len(listed(operator, {"q": ""})) == 3


def test_user_whose_name_reads_as_an_id_is_found(new_session: NewSession, operator: Client) -> None:
    new_session(id=uuid.UUID("deadbeef-0000-4000-8000-000000000000"))
    theirs = new_session(user=User.objects.create_user("deadbeef"))
    assert listed(operator, {"q": "deadbeef"}) == ids(theirs)


def test_ids_that_begin_so() -> None:
    first, last = ids_from("0123abcd-4")
    assert str(first) == "0123abcd-4000-0000-0000-000000000000"
    assert str(last) == "0123abcd-4fff-ffff-ffff-ffffffffffff"


def test_list_is_filtered_by_status(new_session: NewSession, operator: Client) -> None:
    by_status = {
        Status.CREATED: new_session(),
        Status.RUNNING: new_session(status=Status.RUNNING),
        Status.WAITING: new_session(status=Status.WAITING),
        Status.DIVERGED: new_session(status=Status.DIVERGED),
        Status.FINISHED: new_session(**ended()),
        Status.FAILED: new_session(**ended(Status.FAILED, 1)),
    }
    for status, session in by_status.items():
        assert listed(operator, {"status__exact": status}) == ids(session)
    assert listed(operator, {"status__exact": "nonsense"}) == []


def test_list_is_sorted_by_its_time_alone(new_session: NewSession, operator: Client) -> None:
    sessions = [new_session(last_seq=seq) for seq in (2, 1, 3)]
    newest_first = ids(*reversed(sessions))
    assert listed(operator) == listed(operator, "?o=-5") == newest_first
    assert listed(operator, "?o=5") == newest_first[::-1]
    for column in (1, 2, 3, 4, 6, 7, 8):
        assert set(listed(operator, f"?o={column}")) == set(newest_first)
    html = operator.get(LIST).content.decode()
    assert re.findall(r'<th[^>]* class="(?=[^"]*sortable)[^"]*column-(\w+)', html) == ["created"]
