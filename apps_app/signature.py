"""An app's typed parameters as JSON Schema."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from inspect import Parameter
from types import FunctionType, SimpleNamespace
from typing import Annotated, Any, cast

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

Function = Callable[..., Any]


class SignatureError(TypeError):
    """A parameter has no JSON Schema; the message names the parameter, file and line."""


class _InputsSchema(GenerateJsonSchema):
    # A default without a JSON form is left out of the schema; the app can still be called.
    ignored_warning_kinds = GenerateJsonSchema.ignored_warning_kinds | {"non-serializable-default"}


def inputs_schema(function: Function) -> dict[str, Any]:
    """JSON Schema (an object) of the parameters that `function` takes by name.

    A parameter without annotation takes anything; `*args` and `**kwargs` are left out.
    Raises SignatureError.
    """
    parameters = _named_parameters(function)
    adapters = {name: _adapter(function, parameter) for name, parameter in parameters.items()}
    schemas, definitions = TypeAdapter.json_schemas(
        [(name, "validation", adapter) for name, adapter in adapters.items()], schema_generator=_InputsSchema
    )
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: schemas[name, "validation"] for name in adapters},
    }
    if required := [name for name, found in parameters.items() if found.default is Parameter.empty]:
        schema["required"] = required
    return schema | definitions


def _named_parameters(function: Function) -> dict[str, Parameter]:
    """The parameters that can be given by name, in order."""
    unnamed = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    found = inspect.signature(function).parameters.items()
    return {name: parameter for name, parameter in found if parameter.kind not in unnamed}


def _adapter(function: Function, parameter: Parameter) -> TypeAdapter[Any]:
    try:
        annotation = _resolved(function, parameter)
        if parameter.default is not Parameter.empty:
            annotation = Annotated[annotation, Field(default=parameter.default)]
        adapter = TypeAdapter[Any](annotation)
        adapter.json_schema(schema_generator=_InputsSchema)  # fails here for a Callable, say
    except Exception as error:  # the author's types take part, and may raise anything
        code = cast(FunctionType, inspect.unwrap(function)).__code__
        raise SignatureError(
            f"{code.co_filename}, line {code.co_firstlineno}: {code.co_name} has a parameter "
            f"{parameter.name!r} whose annotation has no JSON Schema; use what pydantic can describe."
        ) from error
    return adapter


def _resolved(function: Function, parameter: Parameter) -> Any:
    """The parameter's annotation, no longer a string anywhere in it."""
    if parameter.annotation is Parameter.empty:
        return Any
    holder = SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    namespace = cast(FunctionType, inspect.unwrap(function)).__globals__
    # Locals of its own: without them typing caches the class in a forward reference that equal
    # annotations share, and the next run would be given this run's class.
    return typing.get_type_hints(holder, namespace, {}, include_extras=True)[parameter.name]
