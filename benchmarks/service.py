"""A Crossdock service in a process of its own, and what processes cost."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import psutil

_READY_WITHIN: Final = 180.0


class Service(NamedTuple):
    """A service that is ready.

    Attributes:
        pid: Its process.
        ready_after: Seconds from its start to the first 200 of `/readyz`.
    """

    pid: int
    ready_after: float


@contextlib.contextmanager
def router(project: Path, url: str) -> Iterator[Service]:
    """Run `crossdock router` on a project until the end of the block; yields once it is ready."""
    port = _free_port()
    command = [sys.executable, "-m", "crossdock.cli", "router", "--project", str(project)]
    command += ["--nats", url, "--ops", f"127.0.0.1:{port}"]
    begin = time.perf_counter()
    with (
        (project / "log").open("ab") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            _until_ready(process, port, begin)
            yield Service(process.pid, time.perf_counter() - begin)
        finally:
            process.kill()


def cpu_seconds(*pids: int) -> float:
    """Return the processor time that processes have taken so far."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


def resident_mebibytes(pid: int) -> float:
    """Return the memory of a process."""
    return float(psutil.Process(pid).memory_info().rss) / 1024**2


def _until_ready(process: subprocess.Popen[bytes], port: int, begin: float) -> None:
    while time.perf_counter() - begin < _READY_WITHIN:
        if process.poll() is not None:
            raise RuntimeError(f"the service ended with {process.returncode}")
        with contextlib.suppress(OSError, urllib.error.HTTPError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
            return
        time.sleep(0.02)
    raise RuntimeError("the service was not ready in time")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
