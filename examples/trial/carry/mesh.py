"""The mesh, run as a user runs it: by the ``crossdock`` command."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final

import msgspec

from carry.stage import Stage

_START: Final = 60.0
_STOP: Final = 40.0
_COMMAND: Final = str(Path(sys.executable).with_name("crossdock"))


class Failed(Exception):
    """The trial cannot go on; the text says why."""


class Mesh:
    """One run of ``crossdock up``."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._log = stage.project.parent / "up.log"
        self._process: Process | None = None
        self.http = ""

    async def start(self) -> None:
        """Return when the mesh is ready.

        Raises:
            Failed: It is not, in time.
        """
        stage = self._stage
        words = ("up", str(stage.project), "--http", "127.0.0.1:0", "--store", str(stage.store))
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                _COMMAND, *words, stdout=PIPE, stderr=log, env=stage.env
            )
        assert self._process.stdout is not None  # noqa: S101 - it is piped
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _START)
        except TimeoutError:
            line = b""
        if not line.startswith(b"ready "):
            await self.stop()
            raise Failed(f"the mesh did not become ready:\n{self._log.read_text()[-2000:]}")
        self.http = line.decode().split()[1]

    async def stop(self) -> None:
        """Stop it as Ctrl-C does. Safe without start and twice.

        Raises:
            Failed: It did not stop in good order.
        """
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            code = await asyncio.wait_for(process.wait(), _STOP)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise Failed("the mesh did not stop") from None
        if code != 0:
            raise Failed(f"the mesh ended with {code}:\n{self._log.read_text()[-2000:]}")


async def add_client(stage: Stage, name: str, contract: str) -> str:
    """Add a client that may send one contract; return its API key.

    Raises:
        Failed: The command says no.
    """
    words = ("client", "add", name, "--allow", contract, "--json", "--project", str(stage.project))
    process = await asyncio.create_subprocess_exec(_COMMAND, *words, stdout=PIPE, stderr=PIPE)
    out, err = await asyncio.wait_for(process.communicate(), _START)
    if process.returncode != 0:
        raise Failed(err.decode())
    key: str = msgspec.json.decode(out)["key"]
    return key
