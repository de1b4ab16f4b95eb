"""Finding app files, and what they import as the author API."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from apps_app import discovery
from tests.apps_app.loading import found, result_of

pytest_plugins = ["tests.apps_app.app_files"]

ROOT = Path(__file__).parents[2]


class TestSources:
    def test_files_at_any_depth_by_their_dotted_path(self, folder):
        folder.write("greet.py", "")
        folder.write("sub/deep/greet.py", "")
        assert [source.module for source in found()] == ["greet", "sub.deep.greet"]

    @pytest.mark.parametrize("name", ["_own.py", ".own.py", "_own/a.py", ".own/a.py", "notes.txt"])
    def test_private_names_and_other_files_are_skipped(self, folder, name):
        folder.write(name, "")
        assert found() == []

    def test_folders_come_in_the_order_of_the_setting_then_the_examples_then_django_apps(self, folders, shop):
        first, second = folders
        files = [
            first.write("z.py", ""),
            second.write("a.py", ""),
            discovery.EXAMPLES / "a.py",
            shop.write("shop/yera_apps.py", ""),
        ]
        files[2].write_text("")
        assert [source.file for source in found()] == files

    def test_finding_a_django_apps_module_does_not_import_it(self, folders, shop):
        shop.write("shop/yera_apps.py", "")
        assert [(source.module, source.location) for source in found()] == [
            ("shop.yera_apps", "shop.yera_apps")
        ]
        assert "shop.yera_apps" not in sys.modules

    def test_a_missing_folder_is_handed_on(self, folders, settings, tmp_path):
        folders[1].write("a.py", "")
        settings.YERA_APPS_DIRS = f"{tmp_path / 'missing'}:{folders[1].path}"
        errors: list[OSError] = []
        assert [source.module for source in discovery.sources(errors.append)] == ["a"]
        assert [error.filename for error in errors] == [str(tmp_path / "missing")]

    def test_the_shipped_examples_are_found(self, settings):
        settings.YERA_APPS_DIRS = ""
        assert {source.file.parent for source in found()} == {discovery.EXAMPLES}


class TestAuthorApi:
    def test_yera_is_the_author_api(self, folder):
        file = folder.write(
            "a.py", "import yera as yr\n@yr.app\ndef main() -> str:\n    return yr.__name__\n"
        )
        assert result_of(file, "a.main") == "apps_app.dsl"

    def test_a_sibling_can_be_imported_but_never_shadows_a_library(self, folder):
        discovery.install_author_api()
        folder.write("sibling_words.py", "WORD = 'from the sibling'")
        folder.write("wave.py", "")
        file = folder.write(
            "a.py",
            """
            import wave
            import yera as yr
            from sibling_words import WORD

            @yr.app
            def main() -> str:
                return f"{WORD}, {hasattr(wave, 'open')}"
            """,
        )
        assert result_of(file, "a.main") == "from the sibling, True"

    def test_installing_it_again_changes_nothing(self, folder):
        discovery.install_author_api()
        before = list(sys.path)
        discovery.install_author_api()
        assert sys.path == before
        assert before.count(str(folder.path)) == 1

    @pytest.mark.parametrize(("runs_apps", "imported"), [(False, False), (True, True)])
    def test_a_web_process_imports_no_app_file(self, folder, tmp_path, runs_apps, imported):
        marker = tmp_path / "imported"
        folder.write("a.py", f"open({str(marker)!r}, 'w').close()")
        code = "import django, sys; django.setup(); import yera_project.urls as urls; urls.urlpatterns\n"
        if runs_apps:
            code += "from apps_app import registry; registry.scan()\n"
        code += "print('yera' in sys.modules)"
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "yera_project.settings",
            "YERA_APPS_DIRS": str(folder.path),
        }
        web = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        assert web.stdout.split() == [str(imported)]
        assert marker.exists() == imported
