"""Fixtures that every test may use: a real nats-server, always."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nats_server import NatsServer


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A fresh nats-server with JetStream on a free port; the test may kill and restart it."""
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.kill()
