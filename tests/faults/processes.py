"""The services under test, as real processes that can be killed at any time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path

import httpx

from crossdock.mesh.ports import ReservedPort

PROGRAM = ("-m", "crossdock.cli")


class ServiceProcess:
    """One ``crossdock gateway|router|worker``, started as often as a test wants.

    Attributes:
        program: What Python runs: the command, or a test's own variant of it.
    """

    def __init__(self, name: str, arguments: tuple[str, ...], logs: Path) -> None:
        self.name = name
        self.program: tuple[str, ...] = PROGRAM
        self.process: Process | None = None
        self._arguments = arguments
        self._log = logs / f"{name}.log"
        self._ops = ReservedPort("127.0.0.1")

    async def start(self, fail_point: str | None = None) -> None:
        """Start it; with a fail point it ends itself there."""
        environment = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
        environment.pop("CROSSDOCK_FAIL_POINT", None)
        if fail_point is not None:
            environment["CROSSDOCK_FAIL_POINT"] = fail_point
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self.program,
                *self._arguments,
                "--ops",
                str(self._ops),
                env=environment,
                stdout=log,
                stderr=log,
            )

    async def ready(self, within: float = 60) -> None:
        """Return when it says that it is ready."""
        async with asyncio.timeout(within), httpx.AsyncClient() as http:
            while True:
                assert self._running().returncode is None, self._log.read_text()[-2000:]
                try:
                    if (await http.get(f"http://{self._ops}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    def kept_waiting(self) -> float:
        """Return the seconds since its start in which it could run and other processes did."""
        statistics = Path(f"/proc/{self._running().pid}/schedstat")
        return int(statistics.read_text().split()[1]) / 1e9 if statistics.exists() else 0.0

    async def kill(self) -> None:
        """kill -9; does nothing when it has ended."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP, as when a machine is suspended."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._running().send_signal(signal.SIGCONT)

    async def metrics(self) -> str:
        """Return what it tells Prometheus."""
        async with httpx.AsyncClient() as http:
            return (await http.get(f"http://{self._ops}/metrics")).text

    async def stop(self) -> int:
        """SIGTERM; return the exit code."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        return await process.wait()

    async def ended(self, within: float) -> int:
        """Wait until it ends by itself; return the exit code."""
        async with asyncio.timeout(within):
            return await self._running().wait()

    async def close(self) -> None:
        """End it and give its port back."""
        await self.kill()
        self._ops.release()

    def _running(self) -> Process:
        assert self.process is not None
        return self.process
