"""An app's parameters as JSON Schema."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Annotated, Literal, Optional

import pytest
from pydantic import BaseModel, Field

from apps_app.signature import SignatureError, inputs_schema


class Place(BaseModel):
    city: str


class Unknown:
    pass


def test_no_parameters_is_an_empty_object():
    def main() -> None: ...

    assert inputs_schema(main) == {"type": "object", "properties": {}}


def test_types_defaults_and_what_is_required():
    def main(
        name: str, age: Annotated[int, Field(ge=0)] = 3, *, kind: Literal["a", "b"], when: datetime.date
    ):
        """Strings under the postponed annotations of this module."""

    assert inputs_schema(main) == {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "minimum": 0, "default": 3},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "when": {"type": "string", "format": "date"},
        },
        "required": ["name", "kind", "when"],
    }


def test_models_are_shared_definitions():
    def main(home: Place, others: list[Place]): ...

    schema = inputs_schema(main)
    assert schema["properties"]["home"] == {"$ref": "#/$defs/Place"}
    assert schema["properties"]["others"]["items"] == {"$ref": "#/$defs/Place"}
    assert list(schema["$defs"]) == ["Place"]


def test_without_annotation_anything_goes():
    def main(thing, other=1): ...

    assert inputs_schema(main)["properties"] == {"thing": {}, "other": {"default": 1}}


def test_collecting_parameters_are_left_out():
    def main(name: str, *rest: Unknown, **more: Unknown): ...

    assert list(inputs_schema(main)["properties"]) == ["name"]


def test_names_that_pydantic_reserves_for_models():
    def main(_hidden: int, schema: int, model_config: int, copy: int): ...

    assert list(inputs_schema(main)["properties"]) == ["_hidden", "schema", "model_config", "copy"]


def test_a_default_without_json_form_still_makes_the_parameter_optional():
    def main(name: str = Unknown()): ...  # type: ignore[assignment]

    assert inputs_schema(main) == {"type": "object", "properties": {"name": {"type": "string"}}}


@pytest.mark.parametrize("annotation", [Unknown, Callable[[int], int], "Missing", "1 +"])
def test_an_annotation_without_schema_names_parameter_file_and_line(annotation):
    def main(good: int, bad): ...

    main.__annotations__["bad"] = annotation
    with pytest.raises(SignatureError) as refused:
        inputs_schema(main)
    message = str(refused.value)
    assert "'bad'" in message
    assert f"{__file__}, line {main.__code__.co_firstlineno}" in message
    assert refused.value.__cause__ is not None


def test_equal_forward_references_of_two_namespaces_are_kept_apart():
    def schema_of(field: str) -> dict:
        namespace: dict = {"BaseModel": BaseModel, "Optional": Optional}
        source = f"""
class Node(BaseModel):
    {field}: int
def main(node: Optional["Node"]): ...
"""
        exec(source, namespace)
        return inputs_schema(namespace["main"])

    assert list(schema_of("first")["$defs"]["Node"]["properties"]) == ["first"]
    assert list(schema_of("second")["$defs"]["Node"]["properties"]) == ["second"]
