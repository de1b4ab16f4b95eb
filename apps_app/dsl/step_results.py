"""A step's result: its JSON, and what a caller gets of that, in the type that its function promises."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

import orjson
from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from apps_app.events import encode_json


class ResultType:
    """What a step's function returns, by its return annotation.

    Without one, or with one that cannot be resolved or has no form in pydantic, it is JSON data.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._annotation = _annotation(function)
        self._adapter = _adapter(self._annotation)

    def encode(self, result: Any) -> bytes:
        """The result's JSON; raises TypeError when that does not come back as the annotation says.

        Raises ValueError when JSON cannot hold it.
        """
        # What a model computes of its other fields cannot be read back into it.
        data = to_jsonable_python(result, inf_nan_mode="null", round_trip=self._adapter is not None)
        encoded = encode_json(data)
        try:
            self.decode(encoded)
        except ValidationError as error:
            raise TypeError(f"a {type(result).__name__} was returned, but {self.complaint(error)}") from error
        return encoded

    def decode(self, encoded: bytes) -> Any:
        """What the caller gets; raises ValidationError."""
        return orjson.loads(encoded) if self._adapter is None else self._adapter.validate_json(encoded)

    def complaint(self, error: ValidationError) -> str:
        """What does not fit, in one sentence."""
        annotation = self._annotation
        shown = annotation.__name__ if isinstance(annotation, type) else str(annotation)
        problems = "; ".join(_problem(found["loc"], found["msg"]) for found in error.errors())
        return f"the annotation says {shown}: {problems}."


def _annotation(function: Callable[..., Any]) -> Any:
    """Any when there is none, or it is a string that names nothing."""
    try:
        # With local names of its own, typing does not cache what a string annotation meant in another run.
        return typing.get_type_hints(function, localns={}, include_extras=True).get("return", Any)
    except (NameError, AttributeError, TypeError, SyntaxError):
        return Any


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    if annotation is Any:
        return None
    try:
        adapter = TypeAdapter[Any](annotation)
        adapter.rebuild()  # one with fields that cannot be resolved does not say so before
    except (PydanticUserError, NameError):
        return None
    return adapter


def _problem(location: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, location))}: {message}" if location else message
