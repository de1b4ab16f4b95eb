"""A client of the shared server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client import SessionClient
from tests.server import ServerProcess


@pytest.fixture
def client(server: ServerProcess) -> Iterator[SessionClient]:
    client = SessionClient(server.url)
    yield client
    client.close()
