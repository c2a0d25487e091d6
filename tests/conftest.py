"""Fixtures that every test may use: a real nats-server, always; real peers of other systems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from nats_server import NatsServer
from peers.mosquitto import Mosquitto
from peers.postgresql import PostgreSQL


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A fresh nats-server with JetStream on a free port; the test may kill and restart it."""
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL; each test takes a database of its own, and leaves the server running."""
    # Not below pytest's folder: every run of pytest closes that to other users, and the server
    # runs as one.
    with TemporaryDirectory(prefix="crossdock-postgresql-") as folder:
        server = PostgreSQL(Path(folder), sync=False)
        server.start()
        yield server
        server.kill()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A fresh mosquitto on a free port; the test may kill and restart it."""
    server = Mosquitto(tmp_path / "mosquitto")
    server.start()
    yield server
    server.kill()
