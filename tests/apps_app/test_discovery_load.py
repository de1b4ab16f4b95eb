"""Loading app files: each load executes in a namespace of its own, and an error names its place."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps_app import discovery
from apps_app.discovery import AppLoadError, load
from tests.apps_app.loading import found, result_of

pytest_plugins = ["tests.apps_app.app_files"]


class TestLoad:
    def test_each_load_has_globals_of_its_own_and_shares_the_code(self, folder):
        file = folder.write_app("a.py", "main")
        one, two = load(f"{file}:main", "a.main"), load(f"{file}:main", "a.main")
        assert one.function.__globals__ is not two.function.__globals__
        assert one.function.__code__ is two.function.__code__
        assert one.function.__globals__["__file__"] == str(file)
        assert one.function.__module__ == two.function.__module__ == "yera.apps.a"

    def test_a_changed_file_is_compiled_anew(self, folder):
        source = "import yera as yr\n@yr.app\ndef main() -> int:\n    return {}\n"
        file = folder.write("a.py", source.format(1))
        assert result_of(file, "a.main") == "1"
        times = file.stat()
        file.write_text(source.format(2))
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert result_of(file, "a.main") == "2"

    def test_an_apps_own_annotations_are_not_postponed_for_it(self, folder):
        file = folder.write(
            "a.py",
            """
            import yera as yr

            @yr.app
            def main(x: int = 1) -> str:
                return str(main.function.__annotations__)
            """,
        )
        assert result_of(file, "a.main") == "{'x': <class 'int'>, 'return': <class 'str'>}"

    def test_a_django_app_is_an_ordinary_module(self, folders, shop):
        shop.write_app("shop/yera_apps.py", "order")
        one = load("shop.yera_apps:order", "shop.yera_apps.order")
        assert one is load("shop.yera_apps:order", "shop.yera_apps.order")
        assert one.function.__globals__ is vars(sys.modules["shop.yera_apps"])

    def test_a_file_that_is_gone(self, folder):
        file = folder.write_app("a.py", "main")
        file.unlink()
        with pytest.raises(
            AppLoadError, match=rf"a\.main: {file} does not load: FileNotFoundError"
        ) as refused:
            load(f"{file}:main", "a.main")
        assert isinstance(refused.value.__cause__, FileNotFoundError)

    def test_an_app_that_is_not_there(self, folder):
        file = folder.write_app("a.py", "main")
        with pytest.raises(AppLoadError, match=rf"a\.other: {file} defines no app named other"):
            load(f"{file}:other", "a.other")

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("raise SystemExit(3)", "SystemExit: 3"),
            ("raise BaseException('odd')", "BaseException: odd"),
            ("def broken(:", "SyntaxError: invalid syntax"),
            (
                "yr.markdown('at import time')",
                "apps_app.dsl.runtime.UsageError: This call needs a running session",
            ),
        ],
    )
    def test_code_that_does_not_execute(self, folder, line, reason):
        file = folder.write("a.py", f"import yera as yr\n{line}\n")
        with pytest.raises(AppLoadError, match=rf"a\.main: {file} does not load: {reason}") as refused:
            load(f"{file}:main", "a.main")
        assert f'File "{file}", line 2' in refused.value.details
        assert discovery.__file__ not in refused.value.details

    def test_the_keyboard_stops_a_load(self, folder):
        file = folder.write("a.py", "raise KeyboardInterrupt")
        with pytest.raises(KeyboardInterrupt):
            load(f"{file}:main", "a.main")

    def test_a_lazy_value_in_a_file_is_not_asked_for_its_class(self, folder):
        file = folder.write(
            "a.py",
            """
            import yera as yr

            class Lazy:
                @property
                def __class__(self):
                    raise RuntimeError("asked too early")

            lazy = Lazy()

            @yr.app
            def main() -> int:
                return 1
            """,
        )
        assert result_of(file, "a.main") == "1"

    def test_only_apps_of_the_file_itself(self, folder):
        discovery.install_author_api()
        folder.write_app("sibling_app.py", "helper")
        file = folder.write_app("a.py", "main")
        file.write_text("from sibling_app import helper\n" + file.read_text() + "also = main\n")
        source = next(source for source in found() if source.module == "a")
        apps, _ = discovery.load_all(source)
        assert [app.id for app in apps] == ["a.main"]


class TestModuleOfRuns:
    """String annotations and names find the classes of the same run."""

    SOURCE = """
        from __future__ import annotations

        import dataclasses
        import enum
        import pickle
        import sys
        import typing
        from typing import ClassVar, Optional

        import pydantic
        import yera as yr
        from meeting_point import barrier

        barrier.wait(30)

        class Tree(pydantic.BaseModel):
            leaves: list[Leaf]
            root: Optional["Tree"] = None

        class Bush(pydantic.BaseModel):
            tree: Tree | None
            pair: Pair | None = None

        @dataclasses.dataclass
        class Pair:
            leaf: Leaf
            count: ClassVar[int] = 0

        @pydantic.dataclasses.dataclass
        class Checked:
            leaf: Leaf

        class Colour(enum.Enum):
            RED = 1

        class Leaf(pydantic.BaseModel):
            colour: Colour

        @yr.step
        def fallen() -> Optional["Leaf"]:
            return Leaf(colour=1)

        value = 0
        barrier.wait(30)

        @yr.app
        def main() -> str:
            barrier.wait(30)
            leaf = {"colour": 1}
            bush = Bush.model_validate(
                {"tree": {"leaves": [leaf], "root": {"leaves": []}}, "pair": {"leaf": leaf}}
            )
            sys.modules[__name__].value += 1
            barrier.wait(30)
            return str({
                "nested": type(bush.tree.leaves[0]) is Leaf,
                "itself": type(bush.tree.root) is Tree,
                "of a step": type(fallen()) is Leaf,
                "in a dataclass": type(bush.pair) is Pair and type(bush.pair.leaf) is Leaf,
                "pydantic dataclass": type(Checked(leaf=leaf).leaf) is Leaf,
                "enum": bush.tree.leaves[0].colour is Colour.RED,
                "ClassVar": [field.name for field in dataclasses.fields(Pair)] == ["leaf"],
                "hints": typing.get_type_hints(Pair)["leaf"] is Leaf,
                "pickle": type(pickle.loads(pickle.dumps(bush.pair))) is Pair,
                "module": vars(sys.modules[__name__]) is globals() and value == 1,
            })
    """

    def test_of_two_runs_at_once(self, folder):
        discovery.install_author_api()
        folder.write("meeting_point.py", "import threading\nbarrier = threading.Barrier(2)")
        file = folder.write("a.py", self.SOURCE)
        with ThreadPoolExecutor(2) as threads:
            runs = [threads.submit(result_of, file, "a.main") for _ in range(2)]
        for run in runs:
            assert "True" in run.result()
            assert "False" not in run.result()

    def test_a_name_that_no_run_has(self, folder):
        load(f"{folder.write_app('a.py', 'main')}:main", "a.main")
        module = sys.modules["yera.apps.a"]
        assert module.main.id == "a.main"
        with pytest.raises(AttributeError, match=r"module 'yera\.apps\.a' has no attribute 'absent'"):
            module.absent  # noqa: B018

    def test_another_files_run_shows_it_nothing(self, folder):
        load(f"{folder.write_app('a.py', 'main')}:main", "a.main")
        load(f"{folder.write_app('b.py', 'main')}:main", "b.main")
        assert not hasattr(sys.modules["yera.apps.a"], "main")
        assert sys.modules["yera.apps.b"].main.id == "b.main"
