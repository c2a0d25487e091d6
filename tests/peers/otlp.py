"""Rotel, an OTLP receiver that is not ours: it prints every span that it gets."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from pathlib import Path

import rotel  # type: ignore[import-untyped] # carries no types

AGENT = Path(rotel.__file__).parent / "rotel-agent"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Collector:
    """Rotel, printing every span that it receives."""

    def __init__(self, folder: Path) -> None:
        self.endpoint = f"http://127.0.0.1:{free_port()}"
        self._log = folder / "collector.log"
        command = [
            *(str(AGENT), "start", "--exporter", "blackhole"),
            *("--otlp-http-endpoint", self.endpoint.removeprefix("http://")),
            *("--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}"),
            *("--debug-log", "traces", "--debug-log-verbosity", "detailed"),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._await_port()

    def _await_port(self) -> None:
        port = int(self.endpoint.rpartition(":")[2])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)  # the process tells nobody when it listens
            else:
                return
        raise RuntimeError(self._log.read_text())

    def received(self, spans: int) -> Received:
        """Return what it got, once there are so many spans: it prints after it has answered."""
        deadline = time.monotonic() + 10
        while len((found := Received(self._log.read_text())).spans) < spans:
            assert time.monotonic() < deadline, found.output
            time.sleep(0.02)
        return found

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Received:
    """What the receiver says that it got."""

    def __init__(self, output: str) -> None:
        self.output = output
        self.resource = dict(re.findall(r"-> (service\.\S+): Str\((.*)\)", output))
        self.spans = {
            name: {"trace": trace, "parent": parent, "id": own, "kind": kind}
            for trace, parent, own, name, kind in re.findall(
                r"Trace ID +: (\w*)\n +Parent ID +: (\w*)\n +ID +: (\w*)\n"
                r" +Name +: (.*)\n +Kind +: SPAN_KIND_(\w+)",
                output,
            )
        }
