"""A nats-server of its own for a benchmark, with or without fsync."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_BINARY = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"


class Broker(NamedTuple):
    """A server that runs.

    Attributes:
        url: Where.
        pid: Its process.
    """

    url: str
    pid: int


@contextmanager
def broker(*, fsync: bool) -> Iterator[str]:
    """Start a server on a free port and yield its URL; see :func:`running_broker`."""
    with running_broker(fsync=fsync) as running:
        yield running.url


@contextmanager
def running_broker(*, fsync: bool) -> Iterator[Broker]:
    """Start a server on a free port.

    Args:
        fsync: ``sync_interval: always``, as shipped; else the server's default of two minutes.
    """
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-", dir=Path.cwd()) as name:
        folder = Path(name)
        sync = "always" if fsync else "2m"
        (folder / "nats.conf").write_text(
            f'host: "127.0.0.1"\nport: -1\n'
            f'jetstream {{ store_dir: "{folder}/store", sync_interval: {sync} }}\n'
        )
        command = [_BINARY, "-c", str(folder / "nats.conf"), "--ports_file_dir", name]
        with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
            try:
                while not (found := list(folder.glob("*.ports"))):
                    time.sleep(0.01)
                yield Broker(json.loads(found[0].read_text())["nats"][0], process.pid)
            finally:
                process.kill()
