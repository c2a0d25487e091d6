"""A whole mesh of real processes, its callers, its sinks and its judge."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from nats.errors import Error as NatsError

from crossdock.mesh.ports import ReservedPort
from faults.checker import Verdict, check
from faults.driver import TOO_MUCH, Driver, orders
from faults.ledger import Ledger, Order, read
from faults.observing import consumers, deliveries, has_row, observe, plain_client
from faults.processes import PROGRAM, ServiceProcess
from nats_cluster import NatsCluster
from nats_server import NatsServer
from project_folder import write, write_project

MESH = "f"
DESTINATIONS = ("eu", "world")
_PATIENCE = 30.0
_SECOND_EFFECTS_SHOW = "no key: a second effect is a second row"


class Rig:
    """One mesh in one folder.

    Attributes:
        server: The broker, killable.
        gateway: Process.
        router: Process.
        worker: Process of both destinations.
        driver: Callers.
        listen: Address of the gateway.
    """

    def __init__(
        self, folder: Path, server: NatsServer | NatsCluster, *, settings: str = ""
    ) -> None:
        self.server = server
        self.folder = folder
        self.project = _project(folder / "project", settings)
        self.database = self.project / "sink.db"
        self.listen = ReservedPort("127.0.0.1")
        self._services: dict[str, ServiceProcess] = {}
        self._probes = itertools.count()
        self.ledger = Ledger(folder / "ledger")
        place = (self.listen.host, self.listen.port, self.ledger)
        self.driver = Driver(*place)
        self._prober = Driver(*place, callers=1)  # waits behind no other caller
        self.gateway = self.add("gateway", "gateway", "--listen", str(self.listen))
        self.router = self.add("router", "router")
        self.worker = self.add("worker", "worker")

    def add(self, name: str, *arguments: str) -> ServiceProcess:
        """Return one more process of a service."""
        place = ("--project", str(self.project), "--nats", self.server.url)
        service = ServiceProcess(name, (*arguments, *place), self.folder)
        self._services[name] = service
        return service

    async def start(self, *services: ServiceProcess) -> None:
        """Start processes, these or all, and wait until they are ready."""
        chosen = services or tuple(self._services.values())
        for each in chosen:
            await each.start()
        for each in chosen:
            await each.ready()

    async def restart(self, *victims: ServiceProcess, within: float) -> float:
        """Start processes again; return the seconds until the first effect, which must be in time.

        The time in which other processes had the processor does not count: this is no promise about
        a busy machine.
        """
        begin = time.monotonic()
        for each in victims:
            await each.start()
        await self.probe(_PATIENCE)
        waited = max(each.kept_waiting() for each in victims)
        seconds = time.monotonic() - begin - waited
        names = ", ".join(each.name for each in victims)
        assert seconds <= within, f"through again {seconds:.1f} s after the restart of {names}"
        return seconds

    async def probe(self, within: float) -> None:
        """Send one good order, whose effect must come in time."""
        order = Order(f"probe-{next(self._probes)}", ("eu",))
        async with asyncio.timeout(within):
            await self._prober.send(order)
            while not has_row(self.database, "eu", order.key):
                await asyncio.sleep(0.02)

    async def at_rest(self, within: float) -> None:
        """Return when nothing waits and nothing is in flight, first before routes, then behind."""
        async with asyncio.timeout(within), plain_client(self.server.url) as jetstream:
            for stream, least in ((f"{MESH}-in", 1), (f"{MESH}-out", len(DESTINATIONS))):
                while True:
                    try:
                        found = await consumers(jetstream, stream)
                    except NatsError:
                        found = []
                    busy = any(each.num_pending or each.num_ack_pending for each in found)
                    if len(found) >= least and not busy:
                        break
                    await asyncio.sleep(0.1)

    async def verdict(self) -> Verdict:
        """Judge what happened."""
        async with plain_client(self.server.url) as jetstream:
            observed = await observe(jetstream, MESH, self.database, DESTINATIONS)
        return check(read(self.ledger.path), observed)

    async def balanced(self) -> tuple[bool, str]:
        """Ask the mesh itself: whether its ledger balances, and the ledger."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *PROGRAM, "ledger", "--json"),
            *("--project", str(self.project), "--nats", self.server.url),
            stdout=PIPE,
        )
        out, _ = await process.communicate()
        return process.returncode == 0, out.decode()

    async def deliveries(self) -> tuple[int, int]:
        """Return how many deliveries there were, of how many messages, over all consumers."""
        async with plain_client(self.server.url) as jetstream:
            pairs = [await deliveries(jetstream, f"{MESH}-{kind}") for kind in ("in", "out")]
        return sum(made for made, _ in pairs), sum(messages for _, messages in pairs)

    @asynccontextmanager
    async def under_load(
        self, prefix: str, *, rate: int, at_least: int, patience: float
    ) -> AsyncIterator[None]:
        """Send all the time that the body runs, and then until it is enough."""
        enough = asyncio.Event()
        before = self.driver.acknowledged
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.driver.load(orders(prefix), rate, enough))
            await _until(lambda: self.driver.acknowledged > before, patience)
            yield
            await _until(lambda: self.driver.acknowledged >= before + at_least, patience)
            enough.set()

    async def close(self) -> None:
        """End every process."""
        for each in self._services.values():
            await each.close()
        self.driver.close()
        self._prober.close()
        self.listen.release()


@asynccontextmanager
async def running_rig(
    folder: Path, *, settings: str = "", server: NatsServer | NatsCluster | None = None
) -> AsyncIterator[Rig]:
    """Give a rig with its broker; its services are not started."""
    server = server or NatsServer(folder / "nats")
    server.start()
    rig = Rig(folder, server, settings=settings)
    try:
        with rig.ledger:
            yield rig
    finally:
        await rig.close()
        server.kill()


def _project(folder: Path, settings: str) -> Path:
    write_project(folder, mesh=MESH)
    write(folder, "mesh.yaml", f"mesh: {MESH}\ngateway:\n  anonymous: true\n{settings}")
    for name, columns in (
        ("eu", "{number: order, amount: amount}"),
        ("world", "{number: order, country: country}"),
    ):
        write(
            folder,
            f"workers/{name}.yaml",
            f"worker: {name}\nadapter: sql-out\nsettings:\n  url: sqlite:///sink.db\n"
            f"  table: {name}\n  columns: {columns}\n",
        )
    with closing(sqlite3.connect(folder / "sink.db")) as database:
        database.executescript(
            f"-- {_SECOND_EFFECTS_SHOW}\n"
            f"CREATE TABLE eu (number TEXT, amount REAL CHECK (amount < {TOO_MUCH}));\n"
            "CREATE TABLE world (number TEXT, country TEXT);\n"
            "CREATE INDEX eu_number ON eu (number);\n"
        )
    return folder


async def _until(condition: Callable[[], bool], within: float) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.02)
