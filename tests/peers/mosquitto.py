"""A real mosquitto for tests: on a free port of the loopback, killable and restartable."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

_BINARY = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Mosquitto:
    """One mosquitto broker. It keeps its port and its persistent sessions over restarts."""

    def __init__(self, folder: Path, *, extra: str = "") -> None:
        if _BINARY is None:
            raise RuntimeError("mosquitto is not installed: apt-get install mosquitto")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.extra = extra
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self.folder / "mosquitto.conf"
        owner = "user root\n" if os.geteuid() == 0 else ""
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\n{owner}"
            f"persistence true\npersistence_location {self.folder}/\nmax_queued_messages 0\n"
            f"autosave_interval 0\n{self.extra}\n"
        )
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(_BINARY), "-c", str(config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        """SIGTERM: it writes its sessions down."""
        self._end(signal.SIGTERM)

    def save(self) -> None:
        """Have it write its sessions down now, and wait for that."""
        file = self.folder / "mosquitto.db"
        before = file.stat().st_mtime_ns if file.exists() else 0
        self.signal(signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while not file.exists() or file.stat().st_mtime_ns == before:
            if time.monotonic() > deadline:
                raise RuntimeError("mosquitto does not write its sessions")
            time.sleep(0.005)

    def kill(self) -> None:
        """kill -9, as in a crash."""
        self._end(signal.SIGKILL)

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def _end(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(timeout=10)
