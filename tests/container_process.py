"""A command of a manifest as a process, with what its container would give it and no more."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from deployment import run

CROSSDOCK = Path(sys.executable).parent / "crossdock"
LISTENERS = ("0.0.0.0:8080", "0.0.0.0:9090")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class ContainerProcess:
    """One service: its listener is on a free port of loopback, its /project a test's folder."""

    def __init__(self, argv: Sequence[str], nats: str, project: Path, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        place = {"/project": str(project), **dict.fromkeys(LISTENERS, self.address)}
        scratch = folder / f"tmp-{argv[0]}"  # as /tmp in the container
        scratch.mkdir()
        self._log = folder / f"{argv[0]}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(CROSSDOCK), *(place.get(word, word) for word in argv)],
                env={
                    "PATH": os.environ["PATH"],
                    "CROSSDOCK_NATS": nats,
                    **dict.fromkeys(("HOME", "TMPDIR"), str(scratch)),
                },
                stdout=log,
                stderr=log,
                cwd=project,
            )

    def log(self) -> str:
        return self._log.read_text()

    def wait_until(self, path: str) -> None:
        """Ask as the image's health check does."""
        deadline = time.monotonic() + 30
        while run(sys.executable, "deploy/health.py", f"http://{self.address}/{path}").returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self.log())
            time.sleep(0.1)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
