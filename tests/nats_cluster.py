"""Three real nats-servers in one cluster, each of which can be killed or frozen."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nats
from nats.errors import Error as NatsError

_BINARY = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"
_STARTS = 30.0


class Node:
    """One server of the cluster, on a loopback address of its own."""

    def __init__(self, name: str, host: str, routes: list[str], folder: Path) -> None:
        folder.mkdir(parents=True)
        self.name = name
        self.url = f"nats://{host}:4222"
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "nats.log"
        self._config = folder / "nats.conf"
        self._config.write_text(
            f'server_name: {name}\nhost: "{host}"\nport: 4222\n'
            f'jetstream {{ store_dir: "{folder}/store", sync_interval: always }}\n'
            f'cluster {{ name: tests, host: "{host}", port: 6222, routes: {routes} }}\n'
        )

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([_BINARY, "-c", self._config], stderr=log, stdout=log)

    def kill(self) -> None:
        """kill -9, as in a crash."""
        if self.process is not None and self.process.poll() is None:
            self.thaw()
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


class NatsCluster:
    """Three nodes; their ports are fixed, so each run has addresses of its own."""

    def __init__(self, folder: Path) -> None:
        block = os.getpid() % 200 + 20
        hosts = [f"127.{block}.8.{number}" for number in (1, 2, 3)]
        routes = [f"nats://{host}:6222" for host in hosts]
        self.nodes = [
            Node(f"n{number}", host, routes, folder / f"n{number}")
            for number, host in enumerate(hosts, 1)
        ]

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes)

    def start(self) -> None:
        for node in self.nodes:
            node.start()

    async def ready(self) -> None:
        """Return when JetStream has a leader and all nodes are there."""
        async with asyncio.timeout(_STARTS):
            while True:
                try:
                    client = await nats.connect(
                        self.url.split(","),
                        allow_reconnect=False,
                        connect_timeout=1,
                        error_cb=_quietly,
                    )
                except (NatsError, OSError):
                    await asyncio.sleep(0.1)
                    continue
                try:
                    await client.jetstream(timeout=2).account_info()
                except NatsError:
                    continue
                else:
                    return
                finally:
                    await client.close()

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)


async def _quietly(_error: Exception) -> None:
    """A server that is not there yet is no news."""
