"""A mesh with two routers and two workers as processes, and an operator at the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from crossdock.cli.control_lines import consumers
from crossdock.mesh.bus import Bus, ConsumerState
from crossdock.mesh.control import Name
from faults.processes import ServiceProcess
from nats_server import NatsServer
from running_router import connected, in_book, put

PATIENCE = 60.0


class ControlledMesh:
    """Processes of one project.

    Attributes:
        server: The broker, killable.
        project: The project folder.
        bus: A connection of the test.
        routers: Two processes.
        workers: Two processes.
    """

    def __init__(self, server: NatsServer, project: Path, bus: Bus) -> None:
        self.server = server
        self.project = project
        self.bus = bus
        arguments = ("--project", str(project), "--nats", server.url)
        self.routers = [
            ServiceProcess(f"router-{at}", ("router", *arguments), server.folder) for at in (1, 2)
        ]
        self.workers = [
            ServiceProcess(f"worker-{at}", ("worker", *arguments), server.folder) for at in (1, 2)
        ]

    async def start(self, *services: ServiceProcess) -> None:
        for each in services:
            await each.start()
        for each in services:
            await each.ready(PATIENCE)

    async def run(self, *words: str) -> tuple[int | None, str, str]:
        """Run a command of the operator; return exit code, output and complaints."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crossdock.cli", *words),
            *("--project", str(self.project), "--nats", self.server.url),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env={"CROSSDOCK_BY": "ann@ops"},
        )
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        return process.returncode, out.decode(), err.decode()

    async def control(self, *words: str) -> list[Any]:
        """Run a command of the control bus that must be done; return what it says."""
        code, out, err = await self.run("control", *words, "--json")
        assert code == 0, (words, out, err)
        return [json.loads(line) for line in out.splitlines()]

    async def line(self, name: str) -> Any:  # noqa: ANN401 - it is JSON
        """Return what ``show`` says of one component."""
        (shown,) = await self.control("show")
        return next(each for each in shown["lines"] if each["name"] == name)

    async def put(self, numbers: range, **data: object) -> None:
        for number in numbers:
            await put(self.bus, number, {"n": number, **data})

    async def numbers(self) -> list[int]:
        """Return the numbers of the messages that the route has sent, in order."""
        return sorted(json.loads(each.data)["n"] for each in await in_book(self.bus))

    async def state_of(self, name: Name) -> ConsumerState:
        """Return what the broker says of a route or destination."""
        return (await consumers(self.bus))[name]

    async def close(self) -> None:
        for each in (*self.routers, *self.workers):
            await each.close()
        await self.bus.close()


@asynccontextmanager
async def controlled_mesh(server: NatsServer, project: Path) -> AsyncIterator[ControlledMesh]:
    """Give a mesh; nothing is started but the broker."""
    mesh = ControlledMesh(server, project, await connected(server.url))
    try:
        yield mesh
    finally:
        await mesh.close()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Return as soon as the condition holds; TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)
