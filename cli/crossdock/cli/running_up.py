"""The supervisor behind ``crossdock up``. Runs for months, so it imports little."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import msgspec

from crossdock.cli.connection import NATS_VARIABLE, Connection, forget, own_folder
from crossdock.cli.console import complain, log_plainly, say, say_json
from crossdock.cli.fleet import Fleet, FleetPlan
from crossdock.cli.live import show_status
from crossdock.cli.log_files import keep_bounded
from crossdock.cli.planning import Plan, plan
from crossdock.cli.status import Status, look
from crossdock.contracts import Halt
from crossdock.mesh.embedded import EmbeddedServer
from crossdock.mesh.ports import ReservedPort, split_address
from crossdock.mesh.store_lock import StoreLock
from crossdock.mesh.watching import Snapshot, project_changes, snapshot

log = logging.getLogger("crossdock.up")

_READY_TIMEOUT = 60.0
_ONE_WISH = 1.0  # make, timeout and others pass one Ctrl-C on a second time: that is not a second
_THREADS = 3  # each costs memory for as long as we run
_FAILED = 1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MQTT_VARIABLE = "CROSSDOCK_MQTT"


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of ``crossdock up``; see its help.

    The broker's address is not among them: it may hold credentials, so it is in the environment.
    """

    project: str
    http: str | None
    store: str | None
    verbose: bool
    json: bool


def become_supervisor(wishes: Wishes, nats: str | None) -> NoReturn:
    """Become the supervisor, in this very process, without what the command line has loaded."""
    argv = (sys.executable, "-m", __name__, msgspec.json.encode(wishes).decode())
    env = {key: value for key, value in os.environ.items() if key != NATS_VARIABLE}
    os.execve(sys.executable, argv, env | ({} if nats is None else {NATS_VARIABLE: nats}))  # noqa: S606 - no shell is what is wanted


def run_up(wishes: Wishes) -> int:
    """Run the mesh of a project until a signal; return the exit code."""
    log_plainly()
    try:
        return asyncio.run(_Up(wishes).run())
    except Halt as error:
        complain(error.reason, error.problems)
        return _FAILED


class _Up:
    """One run: what was started, so that it can be stopped in the right order."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._project = Path(wishes.project)
        self._stop = asyncio.Event()
        self._lock: StoreLock | None = None
        self._server: EmbeddedServer | None = None
        self._fleet: Fleet | None = None
        self._problems = 0
        self._asked = 0.0

    async def run(self) -> int:
        """Start, wait for a signal, stop."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS))
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        main = asyncio.create_task(self._live())
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([main, stop], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            main.cancel()
            await asyncio.wait([main])
            await self._stop_all()
        if not main.cancelled() and (error := main.exception()) is not None:
            raise error
        return 0

    def _on_signal(self) -> None:
        now = time.monotonic()
        if self._stop.is_set() and now - self._asked > _ONE_WISH:
            if self._fleet is not None:
                self._fleet.kill()
            if self._server is not None:
                self._server.kill()
        if not self._stop.is_set():
            self._asked = now
            self._stop.set()

    async def _live(self) -> None:
        known = snapshot(self._project)
        project = await self._checked()
        ours = own_folder(self._project)
        self._lock = await asyncio.to_thread(StoreLock, ours)
        listen = _reserve(self._wishes.http or project.gateway.listen)
        env = await self._broker(project, ours)
        logs = None if self._wishes.verbose else ours / "logs"
        self._fleet = Fleet(FleetPlan(project=self._project, listen=listen, env=env, logs=logs))
        self._fleet.start(project.groups)
        await self._fleet.wait_ready(_READY_TIMEOUT)
        self._announce(
            Connection(
                nats=env[NATS_VARIABLE],
                http=f"http://{listen}",
                mqtt=env.get(MQTT_VARIABLE),
                pid=os.getpid(),
            )
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(self._fleet, known))
            tasks.create_task(show_status(self._look))
            if logs is not None:
                tasks.create_task(keep_bounded(logs))

    async def _checked(self) -> Plan:
        found = await plan(self._project)
        if found.problems:
            raise Halt.of(f"{len(found.problems)} problems in the project", [*found.problems])
        return found

    async def _broker(self, project: Plan, ours: Path) -> dict[str, str]:
        given = os.environ.get(NATS_VARIABLE)
        if given:
            return {NATS_VARIABLE: given}
        self._server = EmbeddedServer(
            Path(self._wishes.store) if self._wishes.store else ours / "store",
            project.broker,
            log_file=None if self._wishes.verbose else ours / "logs" / "nats-server.log",
        )
        await self._server.start()
        mqtt = {} if self._server.mqtt is None else {MQTT_VARIABLE: self._server.mqtt}
        return {NATS_VARIABLE: self._server.url, **mqtt}

    def _announce(self, connection: Connection) -> None:
        connection.write(self._project)
        if self._wishes.json:
            say_json({"event": "ready", "http": connection.http, "mqtt": connection.mqtt})
        else:
            say(f"ready {connection.http}")

    async def _follow(self, fleet: Fleet, known: Snapshot) -> None:
        """Let groups of workers appear and disappear; each process follows its own files."""
        async for _ in project_changes(self._project, known):
            try:
                found = await plan(self._project)
            except Halt as error:
                log.warning("change not applied: %s", error.reason)
                continue
            self._problems = len(found.problems)
            for each in found.problems:
                log.warning("project file refused, the last good one stays: %s", each)
            if not found.problems:
                await fleet.regroup(found.groups)

    async def _look(self) -> Status:
        assert self._fleet is not None  # noqa: S101 - looked at only while it runs
        servers = [] if self._server is None else [self._server.child]
        return await look(self._fleet, servers, self._problems)

    async def _stop_all(self) -> None:
        if self._fleet is not None:
            await self._fleet.stop()
        if self._server is not None:
            await self._server.stop()
        if self._lock is not None:
            forget(self._project)
            self._lock.release()


def _reserve(address: str) -> ReservedPort:
    try:
        return ReservedPort(*split_address(address))
    except ValueError as error:
        raise Halt(f"--http: {error}") from error
    except OSError as error:
        raise Halt(
            f"cannot listen on {address}: {error.strerror}; choose another address with --http"
        ) from error


if __name__ == "__main__":
    raise SystemExit(run_up(msgspec.json.decode(sys.argv[1], type=Wishes)))
