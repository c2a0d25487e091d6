"""The processes of one ``crossdock up``: which there are, that they run, that they stop."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from crossdock.cli.probing import Endpoint
from crossdock.contracts import Halt
from crossdock.mesh.child import Child, ChildSpec
from crossdock.mesh.ports import ReservedPort

log = logging.getLogger("crossdock.up")

_LOOPBACK = "127.0.0.1"
_GROUP_PREFIX = "worker-"


class FleetPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the processes of a fleet have in common.

    Attributes:
        project: The project folder.
        listen: Where the gateway listens.
        env: Environment of the processes: connection and credentials.
        logs: Folder of their logs; None for our own standard error.
    """

    project: Path
    listen: ReservedPort
    env: dict[str, str]
    logs: Path | None

    def __repr__(self) -> str:  # I6: env holds credentials
        return f"FleetPlan({str(self.project)!r})"


class Fleet:
    """Gateway, router and one worker process for each group of workers.

    Attributes:
        children: By name, those that run now.
        endpoints: By the same name, where each answers operators.
    """

    def __init__(self, plan: FleetPlan) -> None:
        self.children: dict[str, Child] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self._plan = plan
        self._ports: dict[str, ReservedPort] = {}

    def start(self, groups: Iterable[str]) -> None:
        """Start every process; :meth:`wait_ready` tells when they are up."""
        self._start("gateway", ("gateway", "--listen", str(self._plan.listen)))
        self._start("router", ("router",))
        for group in groups:
            self._start_group(group)

    async def wait_ready(self, seconds: float) -> None:
        """Return when each process is ready.

        Raises:
            Halt: One of them is not, in time; the text says which and where its log is.
        """
        names = list(self.children)
        waits = [self.children[name].wait_ready(seconds) for name in names]
        answers = await asyncio.gather(*waits)
        late = [name for name, ready in zip(names, answers, strict=True) if not ready]
        if late:
            raise Halt(f"not ready: {', '.join(late)}. {self._where_to_look(late[0])}")

    async def regroup(self, groups: Iterable[str]) -> None:
        """Start the groups of workers that are new, and stop those that are gone."""
        wanted = {_GROUP_PREFIX + group: group for group in groups}
        running = {name for name in self.children if name.startswith(_GROUP_PREFIX)}
        for name in sorted(wanted.keys() - running):
            log.info("group of workers started", extra={"group": wanted[name]})
            self._start_group(wanted[name])
        gone = sorted(running - wanted.keys())
        await asyncio.gather(*(self._remove(name) for name in gone))

    async def stop(self) -> None:
        """Let every process drain and end. Safe without start and twice."""
        await asyncio.gather(*(child.stop() for child in self.children.values()))
        for port in self._ports.values():
            port.release()

    def kill(self) -> None:
        """End every process at once; :meth:`stop` still has to be awaited."""
        for child in self.children.values():
            child.kill()

    def _start_group(self, group: str) -> None:
        self._start(_GROUP_PREFIX + group, ("worker", "--group", group))

    def _start(self, name: str, arguments: tuple[str, ...]) -> None:
        port = self._ports.setdefault(name, ReservedPort(_LOOPBACK))
        logs = self._plan.logs
        command = (sys.executable, "-m", "crossdock.cli", arguments[0])
        spec = ChildSpec(
            name=name,
            argv=(
                *command,
                "--project",
                str(self._plan.project),
                "--ops",
                str(port),
                *arguments[1:],
            ),
            env=self._plan.env,
            log=None if logs is None else logs / f"{name}.log",
        )
        endpoint = Endpoint(port.host, port.port)
        self.endpoints[name] = endpoint

        async def probe(_pid: int) -> bool:
            return await endpoint.ready()

        child = self.children[name] = Child(spec, probe)
        child.start()

    async def _remove(self, name: str) -> None:
        child = self.children.pop(name)
        self.endpoints.pop(name)
        await child.stop()
        self._ports.pop(name).release()
        log.info("group of workers stopped", extra={"group": name.removeprefix(_GROUP_PREFIX)})

    def _where_to_look(self, name: str) -> str:
        if self._plan.logs is None:
            return "Its log is above"
        return f"Look into {self._plan.logs / f'{name}.log'}"
