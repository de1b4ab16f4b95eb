"""What the README says is so."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps_app.discovery import install_author_api, load
from apps_app.dsl.app import play
from apps_app.dsl.runtime import Exited
from sessions_app import urls as api
from sessions_app.conf import Conf
from sessions_app.web import urls as web
from tests.apps_app.recording import RecordingRuntime
from tests.server import ROOT, ServerProcess

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_every_setting_is_in_the_table() -> None:
    rows = dict(re.findall(r"^\| `(YERA_\w+)` \| (.*) \|$", README, re.MULTILINE))
    del rows["YERA_APPS_DIRS"]  # apps_app/conf.py has it
    assert rows == {setting.name: f"{setting.purpose} | {shown(setting.default)}" for setting in Conf.all()}


def shown(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_every_route_is_in_the_table() -> None:
    tables = README.split("## Pages and API")[1].split("###")[0]
    shown = re.findall(r"`([A-Z]+) (/[^`? ]*)[^`]*`", tables)
    assert sorted(shown) == sorted(calls())


def calls() -> Iterator[tuple[str, str]]:
    """Every method and path that the URL conf answers, of the admin its entrance."""
    yield "GET", "/admin/"
    for route in [*api.urlpatterns, *web.urlpatterns]:
        if route.name != "unknown":  # whatever else may be asked for
            path = "/" + re.sub("<str:[a-z_]+>", "{id}", str(route.pattern))
            yield from ((method, path) for method in methods(route.callback))


def methods(view: Any) -> list[str]:
    """The API's views say theirs, a class has a function for each, a function answers GET."""
    if hasattr(view, "methods"):
        return list(view.methods)
    if not hasattr(view, "view_class"):
        return ["GET"]
    known = view.view_class.http_method_names
    return [name.upper() for name in ("get", "post") if name in known and hasattr(view.view_class, name)]


def test_the_app_runs(tmp_path) -> None:
    (code,) = blocks("python")
    file = tmp_path / "shop.py"
    file.write_text(code)
    install_author_api()
    runtime = RecordingRuntime(["apples", 3, "done"])
    with pytest.raises(Exited):
        play(load(f"{file}:shop", "shop.shop"), runtime)
    assert runtime.events[-1]["data"]["return_value"] == "1"


def test_the_curl_session_plays_to_its_exit(start_server: Callable[..., ServerProcess]) -> None:
    server = start_server(YERA_APPS_DIRS="")
    script = "set -e\n" + "\n".join(blocks("sh")).replace("127.0.0.1:8000", server.url)
    output = subprocess.check_output(["bash", "-c", script], text=True, timeout=60)
    for said in re.findall(r'"content":"([^"…]+)"|"return_value":"([^"]+)"', README):
        assert "".join(said) in output
    assert output.count('"block_type":"exit"') == 2  # in its turn, and in the whole story
