"""Static files as `serve` collects them: every reference leads to a hashed file, without a bundler."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client, override_settings

from sessions_app.web.static_files import MISSING_LIBRARIES_ID
from tests.server import ROOT
from yera_project.settings import STATICFILES_DIRS, STORAGES

HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")
STATIC_IMPORT = re.compile(r"""^(?:import|export)\b[^"';]*["'](?P<url>[^"']+)["'];""", re.MULTILINE)
TEMPLATE_REFERENCE = re.compile(r"""{% static ['"]([^'"]+)['"] %}""")
PAGE_REFERENCE = re.compile(r"""(?:src|href)="(/static/[^"]+)""")
LIBRARIES = [
    "../vendor/marked/marked.esm.js",
    "../vendor/dompurify/purify.es.mjs",
    "../vendor/uplot/uPlot.esm.js",
]
EVERY_KIND_OF_IMPORT = [
    *(f'import * as library{number} from "../{url}";' for number, url in enumerate(LIBRARIES)),
    'import {\n  first,\n  second,\n} from "./leaf.js";',
    'export { first } from "./leaf.js";',
    'import "./leaf.js";',
]
LEAF = """/** @param {import("./all.js").Kind} kind */
export const first = "from", second = "nowhere.js";
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Static files of the test's own: a module with every kind of import, one with what only looks so."""
    folder = tmp_path_factory.mktemp("modules")
    tried = folder / "web" / "tried"
    tried.mkdir(parents=True)
    (tried / "all.js").write_text("\n".join(EVERY_KIND_OF_IMPORT))
    (tried / "leaf.js").write_text(LEAF)
    return folder


@pytest.fixture(scope="module")
def collected(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All static files, collected and in use."""
    folder = tmp_path_factory.mktemp("static")
    folders = [*STATICFILES_DIRS, modules]
    with override_settings(STATIC_ROOT=str(folder), STORAGES=STORAGES, STATICFILES_DIRS=folders):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield folder


def manifest(folder: Path) -> dict[str, str]:
    paths: dict[str, str] = json.loads((folder / "staticfiles.json").read_text())["paths"]
    return paths


def test_modules_import_hashed_files(collected: Path) -> None:
    imported = set()
    for name, hashed in manifest(collected).items():
        if name.startswith("web/") and name.endswith(".js"):
            module = collected / hashed
            for match in STATIC_IMPORT.finditer(module.read_text()):
                target = module.parent / match["url"]
                assert HASHED.search(match["url"]), f"{name} imports {match['url']}"
                assert target.is_file(), f"{name} imports {match['url']}"
                imported.add(target.name.split(".")[0])
    assert {"marked", "purify", "uPlot", "leaf"} <= imported


def test_every_kind_of_import_is_rewritten(collected: Path) -> None:
    served = (collected / manifest(collected)["web/tried/all.js"]).read_text()
    assert len(STATIC_IMPORT.findall(served)) == len(EVERY_KIND_OF_IMPORT)
    assert "leaf.js" not in served


def test_types_in_comments_may_go_in_circles(collected: Path) -> None:
    served = (collected / manifest(collected)["web/tried/leaf.js"]).read_text()
    assert 'import("./all.js").Kind' in served


def test_every_template_refers_to_files_that_are_there(collected: Path) -> None:
    templates = [*ROOT.glob("sessions_app/**/*.html"), *ROOT.glob("apps_app/**/*.html")]
    names = {name for template in templates for name in TEMPLATE_REFERENCE.findall(template.read_text())}
    assert "web/page.css" in names
    assert names <= manifest(collected).keys()


@pytest.mark.parametrize("address", ["/sign-in", "/api/docs", "/admin/login/", "/no-such-page"])
def test_pages_refer_to_hashed_files_kept_for_ever(collected: Path, db: None, address: str) -> None:
    browser = Client()
    references = PAGE_REFERENCE.findall(browser.get(address).content.decode())
    assert references
    for reference in references:
        response: Any = browser.get(reference, headers={"Accept-Encoding": "gzip"})
        assert response.status_code == 200, reference
        assert HASHED.search(reference), reference
        assert response.headers["Cache-Control"] == "max-age=315360000, public, immutable"
        response.close()


@pytest.mark.parametrize(
    "name", ["vendor/dompurify/purify.es.mjs", "vendor/marked/marked.esm.js", "web/tried/all.js"]
)
def test_modules_come_as_javascript(collected: Path, db: None, name: str) -> None:
    for path in (manifest(collected)[name], name):
        response: Any = Client().get(f"/static/{path}")
        assert response.status_code == 200
        assert response.headers["Content-Type"] == 'text/javascript; charset="utf-8"'
        response.close()


def test_pages_render_and_load_before_anything_is_collected(tmp_path: Path, db: None) -> None:
    with override_settings(STATIC_ROOT=str(tmp_path), STORAGES=STORAGES):
        browser = Client()
        page = browser.get("/sign-in").content.decode()
        assert 'href="/static/web/page.css"' in page
        response: Any = browser.get("/static/web/page.css")
        assert response.status_code == 200
        response.close()


def test_what_no_page_uses_is_not_collected(collected: Path) -> None:
    names = manifest(collected).keys()
    unused = ("rest_framework/", "drf_spectacular_sidecar/redoc/")
    assert not [name for name in names if name.startswith(unused) or name.endswith((".map", ".ts"))]


@pytest.mark.django_db  # which other checks ask what it supports
def test_missing_libraries_are_reported(settings: Any, tmp_path: Path) -> None:
    settings.STATICFILES_DIRS = [("vendor/marked", tmp_path / "marked"), ("vendor/here", tmp_path)]
    (error,) = (message for message in run_checks() if message.id == MISSING_LIBRARIES_ID)
    assert error.msg.endswith(f"are not installed: no {tmp_path / 'marked'}.")
    assert "make node_modules" in str(error.hint)


def test_the_lock_pins_and_names_no_registry() -> None:
    text = (ROOT / "package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert wanted == {name: packages[f"node_modules/{name}"]["version"] for name in wanted}
    assert all("integrity" in package for path, package in packages.items() if path)
