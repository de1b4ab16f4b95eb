"""The catalogue in the admin: every page for who may see it, and the switch."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps_app.models import App

pytestmark = pytest.mark.django_db

LIST = "/admin/apps_app/app/"
LISTS = [
    LIST,
    *(LIST + query for query in ("?q=sound", "?q=%00", "?active__exact=0", "?active__exact=x", "?p=9")),
]


@pytest.fixture(autouse=True)
def apps() -> None:
    App.objects.create(
        id="sound.play", name="Sound", path=["music", "loud"], entry_point="/apps/sound.py:play"
    )
    error = f"sound.broken: does not load: {'x' * 100}\nTraceback:\n  <b>here</b>"
    App.objects.create(id="sound.broken", name="Broken", entry_point="/a.py:broken", load_error=error)


@pytest.fixture
def operator() -> Client:
    return signed_in(User.objects.create_superuser("root"))


@pytest.fixture
def viewer() -> Client:
    """Staff that may look at apps."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_app"))
    return signed_in(user)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(app_id: str) -> str:
    return f"{LIST}{app_id}/change/"


def active() -> dict[str, bool]:
    return dict(App.objects.values_list("id", "active"))


@pytest.mark.parametrize("path", [*LISTS, page_of("sound.play"), page_of("sound.broken")])
def test_pages_for_each_kind_of_user(operator: Client, viewer: Client, path: str) -> None:
    for client in (operator, viewer):
        assert client.get(path, follow=True).status_code == 200
    nobody = signed_in(User.objects.create_user("staff", is_staff=True))
    assert nobody.get(path).status_code == 403


def test_list_shows_the_beginning_of_an_error_and_the_page_all_of_it(operator: Client) -> None:
    html = operator.get(LIST).content.decode()
    assert "music / loud" in html
    assert "sound.broken: does not load: xxx" in html
    assert "x" * 80 not in html
    html = operator.get(page_of("sound.broken")).content.decode()
    assert f"{'x' * 100}\nTraceback:\n  &lt;b&gt;here&lt;/b&gt;</pre>" in html


def test_switch_by_action(operator: Client) -> None:
    form = {"index": "0", "_selected_action": ["sound.play", "sound.broken"]}
    response = operator.post(LIST, {**form, "action": "deactivate"}, follow=True)
    assert "Made inactive: 2." in response.content.decode()
    assert active() == {"sound.play": False, "sound.broken": False}
    operator.post(LIST, {"index": "0", "_selected_action": ["sound.play"], "action": "activate"})
    assert active() == {"sound.play": True, "sound.broken": False}
    assert "Made inactive." in operator.get(f"{LIST}sound.broken/history/").content.decode()


def test_switch_on_the_page_changes_nothing_else(operator: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        operator.post(page_of("sound.play"), {"name": "Other", "load_error": "x"})
    (update,) = (query["sql"] for query in captured if query["sql"].startswith('UPDATE "apps_app_app"'))
    assert re.findall(r'"(\w+)" = ', update.partition("WHERE")[0]) == ["active"]  # it may be seeded meanwhile
    app = App.objects.get(id="sound.play")
    assert (app.active, app.name, app.load_error) == (False, "Sound", "")
    operator.post(page_of("sound.play"), {"active": "on"})
    assert active()["sound.play"]


def test_time_limits_are_set_on_the_page(operator: Client) -> None:
    form = {"active": "on", "max_run_seconds": "60", "max_wait_seconds": "0", "max_life_seconds": ""}
    assert operator.post(page_of("sound.play"), form).status_code == 302
    app = App.objects.get(id="sound.play")
    assert (app.max_run_seconds, app.max_wait_seconds, app.max_life_seconds) == (60, 0, None)
    assert list(App.objects.limited()) == [app]
    operator.post(page_of("sound.play"), {**form, "max_run_seconds": "-1"})
    operator.post(page_of("sound.play"), {**form, "max_run_seconds": "1e3"})
    app.refresh_from_db()
    assert app.max_run_seconds == 60


def test_switch_is_not_for_who_may_only_look(viewer: Client) -> None:
    assert "deactivate" not in viewer.get(LIST).content.decode()
    viewer.post(LIST, {"index": "0", "_selected_action": ["sound.play"], "action": "deactivate"})
    assert viewer.post(page_of("sound.play"), {}).status_code == 403
    assert active()["sound.play"]


def test_apps_are_made_and_deleted_by_their_files_alone(operator: Client) -> None:
    assert operator.get(f"{LIST}add/").status_code == 403
    assert operator.post(f"{LIST}sound.play/delete/", {"post": "yes"}).status_code == 403
    assert App.objects.count() == 2
