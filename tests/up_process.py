"""``crossdock up`` as a process, for tests that need a whole mesh."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil

from tiny_project import CONTRACT

START = 60


class Up:
    """One run of ``crossdock up``."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.http = ""
        self.process: Process | None = None

    async def start(self, *options: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crossdock.cli", "up", str(self.project)),
            *("--http", "127.0.0.1:0", *options),
            stdout=PIPE,
            stderr=PIPE,
        )

    async def ready(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), START)
        assert line.startswith(b"ready http://127.0.0.1:"), await self.finished()
        self.http = line.decode().split()[1]

    async def finished(self, seconds: float = 30) -> tuple[int | None, str, str]:
        assert self.process is not None
        out, err = await asyncio.wait_for(self.process.communicate(), seconds)
        return self.process.returncode, out.decode(), err.decode()

    def family(self) -> dict[str, int]:
        """Return the processes that it has started, by what they are."""
        assert self.process is not None
        found: dict[str, int] = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                words = child.cmdline()
            except psutil.NoSuchProcess:  # a zombie too
                continue
            if "crossdock.cli" in words:
                name = words[words.index("crossdock.cli") + 1]
                found[name + (words[-1] if "--group" in words else "")] = child.pid
            elif words and words[0].endswith("nats-server"):
                found["nats-server"] = child.pid
        return found

    async def send(self, number: int, **headers: str) -> dict[str, Any]:
        request = Request(  # noqa: S310 - http on loopback
            f"{self.http}/v1/messages/{CONTRACT}",
            data=json.dumps({"number": number}).encode(),
            headers={"content-type": "application/json", **headers},
        )

        def post() -> dict[str, Any]:
            with urlopen(request, timeout=20) as answer:  # noqa: S310 - same
                result: dict[str, Any] = json.load(answer)
                return result

        return await asyncio.to_thread(post)

    def delivered(self, name: str = "book") -> list[int]:
        path = self.project / "out" / f"{name}.jsonl"
        if not path.exists():
            return []
        return [json.loads(line)["number"] for line in path.read_text().splitlines()]
