"""A real server keeps to its own OpenAPI description, whatever schemathesis makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from sessions_app.openapi import document
from tests.client import SessionClient
from tests.server import ServerProcess

EXAMPLES = 50
SECONDS = 20.0
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]


def operations() -> Iterator[tuple[str, str, GenerationMode]]:
    """Each with what is to be sent to it: valid calls, and invalid ones where there are any."""
    for path, methods in json.loads(document())["paths"].items():
        for method, operation in methods.items():
            yield method, path, GenerationMode.POSITIVE
            schemas = [parameter["schema"] for parameter in operation.get("parameters", [])]
            if "requestBody" in operation or any(schema != {"type": "string"} for schema in schemas):
                yield method, path, GenerationMode.NEGATIVE


thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def api(server: ServerProcess) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/api/schema")


@pytest.mark.parametrize(("method", "path", "mode"), list(operations()))
def test_server_keeps_to_its_description(
    api: Any, client: SessionClient, method: str, path: str, mode: GenerationMode
) -> None:
    @thorough
    @given(case=api[path][method].as_strategy(generation_mode=mode))
    def play(case: schemathesis.Case) -> None:
        given_path = case.path_parameters or {}
        # Every other valid id becomes that of a real session; its stream must come to an end.
        if is_even_uuid(given_path.get("session_id")):
            given_path["session_id"] = client.create("steady.ask")
            if path.endswith("/stream"):
                client.cancel(given_path["session_id"])
        case.call_and_validate(checks=CHECKS, timeout=SECONDS)

    play()


def is_even_uuid(value: Any) -> bool:
    try:
        return UUID(value).int % 2 == 0
    except (ValueError, AttributeError, TypeError):
        return False
