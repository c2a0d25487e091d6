"""A mesh that follows the registry: its project, its commands, and its services as processes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from crossdock.contracts import Subjects
from crossdock.mesh.bus import Bus
from crossdock.mesh.ports import ReservedPort
from crossdock.mesh.registry.revision import Revision
from crossdock.mesh.registry.store import RevisionStore
from faults.processes import ServiceProcess
from tiny_project import CONTRACT, make_project

BROKEN_ROUTE = f"route: orders\naccepts: {CONTRACT}@^1\nsend:\n  - to: nowhere\n"


class Said(NamedTuple):
    """What a command did."""

    code: int | None
    out: str
    err: str


class RegistryMesh:
    """Project ``tiny`` in one folder, its services with their data in another."""

    def __init__(self, folder: Path, url: str) -> None:
        self.project = make_project(folder / "project")
        self.data = folder / "data"
        (self.data / "out").mkdir(parents=True)
        self.url = url
        self._folder = folder
        self._services: list[ServiceProcess] = []
        self._listen = ReservedPort("127.0.0.1")
        self.http = f"http://{self._listen}"

    def service(self, name: str, *more: str) -> ServiceProcess:
        place = ("--live", "tiny", "--project", str(self.data), "--nats", self.url)
        listen = ("--listen", str(self._listen)) if name == "gateway" else ()
        each = ServiceProcess(name, (name, *place, *listen, *more), self._folder)
        self._services.append(each)
        return each

    async def start(self, *names: str) -> list[ServiceProcess]:
        services = [self.service(name) for name in names]
        for each in services:
            await each.start()
        for each in services:
            await each.ready(60)
        return services

    async def begin(
        self, *words: str, fail_point: str = "", stdin: int | None = DEVNULL
    ) -> Process:
        environment = os.environ | {"CROSSDOCK_NATS": self.url}
        if fail_point:
            environment["CROSSDOCK_FAIL_POINT"] = fail_point
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crossdock.cli", *words, "--project", str(self.project)),
            stdin=stdin,
            stdout=PIPE,
            stderr=PIPE,
            env=environment,
        )

    async def say(self, *words: str, fail_point: str = "") -> Said:
        process = await self.begin(*words, fail_point=fail_point)
        out, err = await asyncio.wait_for(process.communicate(), 90)
        return Said(process.returncode, out.decode(), err.decode())

    async def apply(self, reason: str = "because", *more: str) -> None:
        said = await self.say("apply", "--yes", "--reason", reason, "--author", "ann", *more)
        assert said.code == 0, said.err

    async def holds(self) -> Revision | None:
        """Return the revision that holds, with all of its files there."""
        return (await self._read())[0]

    async def contents(self) -> dict[str, bytes]:
        """Return what its files hold."""
        return (await self._read())[1]

    async def _read(self) -> tuple[Revision | None, dict[str, bytes]]:
        bus = await Bus.connect(self.url, Subjects("tiny"), name="test")
        try:
            store = RevisionStore(bus)
            revision = (await store.head()).revision
            files = await store.files(revision)
            found = await store.contents(files.values())
            return revision, {path: found[digest] for path, digest in files.items()}
        finally:
            await bus.close()

    async def plan(self) -> Any:  # noqa: ANN401 - it is JSON
        said = await self.say("plan", "--json")
        assert said.code == 0, said.err
        return json.loads(said.out)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.project / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    async def send(self, number: int) -> None:
        request = Request(  # noqa: S310 - http on loopback
            f"{self.http}/v1/messages/{CONTRACT}",
            data=json.dumps({"number": number}).encode(),
            headers={"content-type": "application/json"},
        )
        await asyncio.to_thread(lambda: urlopen(request, timeout=20).close())  # noqa: S310 - same

    def delivered(self) -> list[int]:
        path = self.data / "out" / "book.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)["number"] for line in lines]

    def logged(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    async def close(self) -> None:
        for each in self._services:
            await each.close()
        self._listen.release()
