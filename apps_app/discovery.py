"""Finding the files that hold apps, and executing them.

Every load of an app file executes it in a namespace of its own, so that two runs share none of
its globals; what it imports is shared. Never called in a process that serves HTTP.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from django.apps import apps as django_apps

from apps_app.conf import conf
from apps_app.dsl.app import MODULE_PREFIX, App

AUTHOR_API = "yera"
DJANGO_MODULE = "yera_apps"  # the module of an installed Django app that holds apps
EXAMPLES = Path(__file__).parent / "examples"
_LOADING_FILES = (__file__, importlib.__file__, "<frozen importlib")  # of no use to an app's author

Namespace = dict[str, Any]
_executing: ContextVar[Namespace] = ContextVar("yera_app_namespace")


class AppLoadError(RuntimeError):
    """An app, or a whole file of apps, cannot be loaded; the message names it, its file and the reason.

    `details` is the traceback from the app file's own first frame on, if its code raised.
    """

    def __init__(self, name: str, location: str, reason: str, details: str = "") -> None:
        super().__init__(f"{name}: {location} {reason}")
        self.details = details


@dataclass(frozen=True)
class Source:
    """An app file, or the `yera_apps` module of a Django app.

    `module` is what stands before the function in its apps' ids, `location` (a path, or a
    module's name) what stands before the function in their entry points.
    """

    module: str
    location: str
    file: Path

    @property
    def folders(self) -> list[str]:
        """The folders that lead to the file, as names; none for a file at the top."""
        return self.module.split(".")[:-1]

    def entry_point(self, app: App[..., Any]) -> str:
        return f"{self.location}:{app.function.__name__}"


def install_author_api() -> None:
    """Make `import yera` give the author API in this process, and app files' siblings importable.

    The folders come last on the path: an app file never shadows a library.
    """
    sys.modules[AUTHOR_API] = importlib.import_module("apps_app.dsl")
    sys.path.extend(folder for folder in map(str, _folders()) if folder not in sys.path)


def sources(on_error: Callable[[OSError], None]) -> Iterator[Source]:
    """All that may hold apps, the first claim on an id first; unreadable folders go to `on_error`."""
    for folder in _folders():
        for file in _app_files(folder, on_error):
            module = ".".join(file.relative_to(folder).with_suffix("").parts)
            yield Source(module, str(file), file)
    yield from _django_sources()


def load(entry_point: str, app_id: str) -> App[..., Any]:
    """The app with this id, from a fresh execution of its file; raises AppLoadError.

    Call it in the context (thread or task) that then plays the app: the names in the file's
    string annotations are found through that context.
    """
    location, _, function = entry_point.rpartition(":")
    with _loading(app_id, location):
        found = _apps_in(_namespace(location, app_id.removesuffix(f".{function}")))
    if app_id not in found:
        raise AppLoadError(app_id, location, f"defines no app named {function}.")
    return found[app_id]


def load_all(source: Source) -> tuple[list[App[..., Any]], str]:
    """The apps that one source defines itself, as opposed to imports, and its SHA-256 in hex.

    Raises AppLoadError.
    """
    with _loading(source.module, source.location):
        found = list(_apps_in(_namespace(source.location, source.module)).values())
        return found, _digest(source.file)


def code_hash(entry_point: str) -> str:
    """SHA-256 in hex of the file that the entry point is in, empty for none; raises AppLoadError."""
    location = entry_point.rpartition(":")[0]
    with _loading(entry_point, location):
        file = location if location.endswith(".py") else importlib.import_module(location).__file__
        return "" if file is None else _digest(Path(file))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _folders() -> list[Path]:
    return [*conf.apps_dirs, EXAMPLES]


def _app_files(folder: Path, on_error: Callable[[OSError], None]) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=on_error):
        folders[:] = sorted(name for name in folders if _is_public(name))
        yield from (Path(parent, name) for name in sorted(files) if _is_public(name) and name.endswith(".py"))


def _is_public(name: str) -> bool:
    return not name.startswith(("_", "."))


def _django_sources() -> Iterator[Source]:
    for config in django_apps.get_app_configs():
        name = f"{config.name}.{DJANGO_MODULE}"
        spec = find_spec(name) if hasattr(config.module, "__path__") else None
        if spec is not None and spec.origin is not None:
            yield Source(name, name, Path(spec.origin))


@contextmanager
def _loading(name: str, location: str) -> Iterator[None]:
    """Whatever an app's code raises while it loads, sys.exit too, is its load error."""
    try:
        yield
    except KeyboardInterrupt:  # somebody at the terminal, not the app
        raise
    except BaseException as error:
        reason = traceback.format_exception_only(error)[-1].strip()
        raise AppLoadError(name, location, f"does not load: {reason}", _author_traceback(error)) from error


def _author_traceback(error: BaseException) -> str:
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_LOADING_FILES):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


def _apps_in(namespace: Namespace) -> dict[str, App[..., Any]]:
    # Not isinstance: it asks the value for its class, and a lazy proxy may raise at that.
    found = (value for value in list(namespace.values()) if issubclass(type(value), App))
    return {app.id: app for app in found if app.function.__module__ == namespace["__name__"]}


def _namespace(location: str, module: str) -> Namespace:
    if location.endswith(".py"):
        return _execute(location, MODULE_PREFIX + module)
    return vars(importlib.import_module(location))


def _execute(path: str, name: str) -> Namespace:
    code = _compiled(path, Path(path).read_bytes())
    namespace: Namespace = {"__name__": name, "__file__": path}
    sys.modules.setdefault(name, _ModuleOfRuns(name))
    _executing.set(namespace)
    exec(code, namespace)  # noqa: S102 - running the author's file is the purpose
    return namespace


@lru_cache(maxsize=1024)
def _compiled(path: str, source: bytes) -> CodeType:
    return compile(source, path, "exec", dont_inherit=True)


class _ModuleOfRuns(ModuleType):
    """Stands in `sys.modules` for all runs of one app file; shows each run its own namespace.

    pydantic, dataclasses, enum and pickle look a class's module up there, by its name. A run is
    known by its context; in a thread of the app's own, which has none, the module looks empty.
    """

    @property
    def __dict__(self) -> Namespace:  # type: ignore[override]
        namespace = _executing.get({})
        return namespace if namespace.get("__name__") == self.__name__ else super().__dict__

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value
