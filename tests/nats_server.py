"""A real nats-server for tests: on a free port, with its own store, killable and restartable."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

_BINARY = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"


class NatsServer:
    """One nats-server process. After the first start it keeps its port over restarts."""

    def __init__(self, folder: Path, *, sync: str = "always", extra: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.sync = sync
        self.extra = extra
        self.port = -1
        self.wrapper: tuple[str, ...] = ()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = self.folder / "nats.conf"
        config.write_text(
            f'host: "127.0.0.1"\nport: {self.port}\n'
            f'jetstream {{ store_dir: "{self.folder}/store", sync_interval: {self.sync} }}\n'
            f"{self.extra}\n"
        )
        for old in self.folder.glob("*.ports"):
            old.unlink()
        with (self.folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, _BINARY, "-c", str(config), "--ports_file_dir", str(self.folder)],
                stderr=log,
                stdout=log,
            )
        deadline = time.monotonic() + 10
        while not (found := [each for each in self.folder.glob("*.ports") if each.stat().st_size]):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "nats.log").read_text())
            time.sleep(0.005)
        self.port = int(json.loads(found[0].read_text())["nats"][0].rpartition(":")[2])

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9, as in a crash."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
