"""The admin of sessions: every page for who may see it, as few queries as rows allow, and cancelling."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps_app.models import App
from sessions_app.admin import LOG_PAGE_ENTRIES, MAX_PAYLOAD
from sessions_app.models import Kind, LogEntry, PrintedText, Session, Status
from tests.sessions_app.operators import LIST, ended, new_viewer, page_of, signed_in
from tests.sessions_app.playing import APP_ID

pytestmark = pytest.mark.django_db(transaction=True)

NewSession = Callable[..., Session]
INDEXES = ["/admin/", "/admin/sessions_app/"]
SEARCHES = [
    "?q=ada",
    f"?q={uuid.uuid4()}",
    "?q=%00",
    "?status__exact=failed",
    "?status__exact=nonsense",
    f"?app__id__exact={APP_ID}",
    "?_facets=True",
    "?p=7",
    "?p=x",
    "?o=1.-2.3.4.5.6.7.8",
]
LOG_PAGES = [
    "",
    *(f"?log={page}" for page in ("", "0", "1", "2", "3", "4", "-1", "x", "1.5", "%00", "9" * 5000)),
]


@pytest.fixture
def operator(transactional_db: None) -> User:
    return User.objects.create_superuser("root")


@pytest.fixture
def viewer(transactional_db: None) -> User:
    return new_viewer()


def fill(session: Session, entries: int, payload: str = '{"a":["b"]}') -> None:
    """Give a session a log of so many entries."""
    now = timezone.now()
    LogEntry.objects.bulk_create(
        LogEntry(session=session, seq=seq, kind=Kind.EVENT, payload=payload, created_at=now)
        for seq in range(1, entries + 1)
    )
    Session.objects.filter(id=session.id).update(last_seq=entries)


def is_allowed_by_the_policy(html: str) -> bool:
    """No script or style but from files: what the Content-Security-Policy would stop is not there."""
    inline = re.findall(r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:", html)
    return inline == []


@pytest.fixture
def session(new_session: NewSession) -> Session:
    """A failed session with all there is to show."""
    ada = User.objects.create_user("ada")
    session = new_session(
        **ended(Status.FAILED, 1),
        user=ada,
        title="<b>Title</b>",
        failure="Traceback:\n  <script>alert(1)</script>",
        pending=[{"block_id": "slider-1"}],
        divergence={"seq": 3},
    )
    PrintedText.objects.create(session=session, text="printed\n<i>line</i>", updated_at=session.created_at)
    fill(session, 3 * LOG_PAGE_ENTRIES - 10)
    return session


@pytest.mark.parametrize("path", [*INDEXES, LIST, *(LIST + query for query in SEARCHES)])
def test_lists_for_each_kind_of_user(session: Session, operator: User, viewer: User, path: str) -> None:
    for user in (operator, viewer):
        response = signed_in(user).get(path, follow=True)
        assert response.status_code == 200
        assert is_allowed_by_the_policy(response.content.decode())
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("query", LOG_PAGES)
def test_detail_for_each_kind_of_user(session: Session, operator: User, viewer: User, query: str) -> None:
    for user in (operator, viewer):
        response = signed_in(user).get(page_of(session) + query)
        assert response.status_code == 200
        html = response.content.decode()
        assert is_allowed_by_the_policy(html)
        assert 'name="_save"' not in html


def test_nothing_for_who_may_not(session: Session) -> None:
    staff = signed_in(User.objects.create_user("staff", is_staff=True))
    assert staff.get("/admin/").status_code == 200
    for path in (LIST, page_of(session), f"{LIST}{session.id}/history/"):
        assert staff.get(path).status_code == 403
        assert Client().get(path).status_code == 302


def test_session_that_is_not_there(operator: User) -> None:
    for session_id in (uuid.uuid4(), "nonsense"):
        assert signed_in(operator).get(f"{LIST}{session_id}/change/").status_code == 302


def test_what_the_page_of_a_session_says(session: Session, operator: User) -> None:
    html = signed_in(operator).get(page_of(session)).content.decode()
    assert '<pre class="shown">printed\n&lt;i&gt;line&lt;/i&gt;</pre>' in html
    assert '<pre class="shown">Traceback:\n  &lt;script&gt;alert(1)&lt;/script&gt;</pre>' in html
    for text in (
        "ada",
        "&lt;b&gt;Title",
        "&quot;slider-1&quot;",
        "&quot;exit_code&quot;: 1",
        "&quot;seq&quot;: 3",
    ):
        assert text in html


def test_page_of_a_fork_leads_to_its_source(new_session: NewSession, operator: User) -> None:
    source = new_session()
    html = signed_in(operator).get(page_of(new_session(forked_from=source))).content.decode()
    assert f'<a href="{page_of(source)}">' in html


def test_divergence_leads_to_its_place_in_the_log(session: Session, operator: User) -> None:
    divergence = {"seq": LOG_PAGE_ENTRIES + 1, "recorded": {"name": "<b>"}, "attempted": None}
    Session.objects.filter(id=session.id).update(divergence=divergence)
    client = signed_in(operator)
    html = client.get(page_of(session)).content.decode()
    assert '<a href="?log=2#log">At entry 101</a>' in html
    assert "&quot;recorded&quot;" in html
    assert "&quot;&lt;b&gt;&quot;" in html
    assert f"<td>{divergence['seq']}</td>" in client.get(page_of(session) + "?log=2").content.decode()


def test_deadlines_on_the_page_of_a_session(new_session: NewSession, operator: User) -> None:
    due = {
        "wait_ends_at": datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        "life_ends_at": datetime.datetime(2031, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    }
    client = signed_in(operator)
    html = client.get(page_of(new_session(**due, status=Status.WAITING))).content.decode()
    assert "2030-01-02 03:04:05" in html
    assert "2031-01-02 03:04:05" in html
    html = client.get(page_of(new_session(**due, status=Status.RUNNING))).content.decode()
    assert "2030-01-02" not in html, "it has been answered"


@pytest.mark.parametrize(
    ("code_hash", "said"),
    [
        ("", "as it is today"),
        ("a" * 64, "as it is today"),
        ("b" * 64, f"another than today's: SHA-256 {'b' * 64}"),
    ],
)
def test_page_of_a_session_says_whether_its_app_has_changed(
    new_session: NewSession, operator: User, code_hash: str, said: str
) -> None:
    App.objects.filter(id=APP_ID).update(code_hash="a" * 64)
    page = signed_in(operator).get(page_of(new_session(code_hash=code_hash)))
    assert said in unescape(page.content.decode())


def test_owner_is_a_user_a_visitor_or_nobody(new_session: NewSession, operator: User) -> None:
    for owner in ({"user": User.objects.create_user("ada")}, {"visitor": uuid.uuid4()}, {}):
        new_session(**owner)
    html = signed_in(operator).get(LIST).content.decode()
    assert re.findall(r'field-belongs_to">([^<]+)<', html) == ["anonymous", "visitor", "ada"]


def test_number_of_queries_does_not_grow(new_session: NewSession, operator: User) -> None:
    client = signed_in(operator)

    def queries(path: str) -> int:
        client.get(path)  # what Django keeps from the first time on
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    counts = []
    session = new_session()
    for total in (3, 30):
        while Session.objects.count() < total:
            name = f"user-{Session.objects.count()}"
            App.objects.create(id=name, name=name, entry_point="x:y")
            new_session(user=User.objects.create_user(name))
        LogEntry.objects.all().delete()
        fill(session, total)
        counts.append((queries(LIST), queries(page_of(session))))
    assert counts[0] == counts[1]


def test_list_reads_no_large_column(session: Session, operator: User) -> None:
    client = signed_in(operator)
    with CaptureQueriesContext(connection) as captured:
        client.get(LIST)
    statements = " ".join(query["sql"] for query in captured)
    assert '"last_seq"' in statements
    assert '"failure"' not in statements


def seqs(html: str) -> list[int]:
    return [int(seq) for seq in re.findall(r"<td>(\d+)</td>", html)]


def page_links(html: str) -> list[str]:
    """The pages that the log leads to."""
    return re.findall(r'href="\?log=(\d+)#log"', html.partition('id="log"')[2])


def test_log_opens_at_its_newest_page(session: Session, operator: User) -> None:
    client = signed_in(operator)
    html = client.get(page_of(session)).content.decode()
    assert seqs(html) == list(range(201, 291))
    assert page_links(html) == ["1", "2"]
    html = client.get(page_of(session), {"log": 1}).content.decode()
    assert seqs(html) == list(range(1, 101))
    assert page_links(html) == ["2", "3"]


def test_payload_is_readable_and_cut_off(new_session: NewSession, operator: User) -> None:
    session = new_session()
    long = '{"a":"%s"}' % ("ä" * 100_000)
    fill(session, 1)
    LogEntry.objects.create(session=session, seq=2, kind=Kind.EVENT, payload=long, created_at=timezone.now())
    Session.objects.filter(id=session.id).update(last_seq=2)
    html = signed_in(operator).get(page_of(session)).content.decode()
    assert "{&quot;a&quot;: [&quot;b&quot;]}</pre>" in html
    assert f"{'ä' * (MAX_PAYLOAD - 6)}… (100008 characters)" in html


def test_empty_log(new_session: NewSession, operator: User) -> None:
    assert "Nothing yet." in signed_in(operator).get(page_of(new_session())).content.decode()


def test_no_row_can_be_changed_or_added(session: Session, operator: User) -> None:
    client = signed_in(operator)
    assert client.post(page_of(session), {"title": "new"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    assert Session.objects.get() == session


def test_deletion_asks_first_and_names_no_entries(session: Session, viewer: User, operator: User) -> None:
    html = signed_in(operator).get(f"{LIST}{session.id}/delete/").content.decode()
    assert f"<li>{session}</li>" in html
    assert "log entr" not in html
    assert signed_in(viewer).post(f"{LIST}{session.id}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in signed_in(viewer).get(LIST).content.decode()
    assert Session.objects.get() == session
