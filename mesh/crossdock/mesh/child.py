"""A child process that is kept running: started, probed, restarted with backoff, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO, Literal

import msgspec

log = logging.getLogger("crossdock.child")

_FIRST_DELAY = 0.1
_LAST_DELAY = 10.0
_HEALTHY_AFTER = 30.0
_PROBE_STARTING = 0.05
_PROBE_READY = 1.0
_LAUNCHER = str(Path(__file__).with_name("launch.py"))

State = Literal["starting", "ready", "unready", "waiting", "stopped"]


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How one child process is run.

    Attributes:
        name: For people and log lines.
        argv: Program, as an absolute path, and its arguments. No secret: others can read them.
        env: Environment variables in addition to ours; secrets go here.
        log: File that its output is appended to; None for our own standard error.
        keep: Descriptors that it inherits.
        grace: Seconds between the request to stop (SIGTERM) and the kill.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = {}
    log: Path | None = None
    keep: tuple[int, ...] = ()
    grace: float = 20.0

    def __repr__(self) -> str:  # I6: env holds secrets
        return f"ChildSpec({self.name!r})"


class Child:
    """One child process. Dies with this process, whatever happens to it (Linux).

    Attributes:
        spec: How it is run.
        state: ``starting`` until the probe first says yes, ``ready`` and ``unready`` as the probe
            says from then on, ``waiting`` between an unexpected end and the restart.
        restarts: How often it ended unexpectedly.
    """

    def __init__(self, spec: ChildSpec, probe: Callable[[int], Awaitable[bool]]) -> None:
        """Describe a child; :meth:`start` runs it.

        Args:
            spec: How it is run.
            probe: Tells whether the process with this id is ready; must not raise.
        """
        self.spec = spec
        self.state: State = "stopped"
        self.restarts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._probe = probe
        self._ready = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process that runs now, None when there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it and keep it running until :meth:`stop`."""
        self._task = asyncio.create_task(self._run(), name=f"child {self.spec.name}")

    async def wait_ready(self, timeout: float) -> bool:  # noqa: ASYNC109 - callers share a deadline
        """Wait until it is ready; False when it ended, or was not ready in time (seconds)."""
        waits = [asyncio.create_task(event.wait()) for event in (self._ready, self._ended)]
        try:
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        return self._ready.is_set()

    async def stop(self) -> None:
        """Ask it to stop, kill it when it has not within its grace. Safe without start and twice.

        Cancelling this kills the process at once.
        """
        self._stopping = True
        if self._task is None:
            return
        try:
            self._signal(signal.SIGTERM)
            if self.state == "waiting":
                self._task.cancel()
            await asyncio.wait([self._task], timeout=self.spec.grace)
            if not self._task.done():
                log.warning("killed: did not stop in time", extra={"child": self.spec.name})
        finally:
            self.kill()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def kill(self) -> None:
        """End the process at once, for good; :meth:`stop` still has to be awaited."""
        self._stopping = True
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _run(self) -> None:
        delay = _FIRST_DELAY
        try:
            while not self._stopping:
                began = time.monotonic()
                code = await self._run_once()
                if self._stopping:
                    return
                self.restarts += 1
                if time.monotonic() - began > _HEALTHY_AFTER:
                    delay = _FIRST_DELAY
                log.error(
                    "ended unexpectedly, will be restarted",
                    extra={"child": self.spec.name, "exit_code": code, "delay": delay},
                )
                self.state = "waiting"
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LAST_DELAY)
        finally:
            self.state = "stopped"

    async def _run_once(self) -> int:
        self.state = "starting"
        self._ended.clear()
        process = self._process = await self._spawn()
        if self._stopping:  # asked to stop while it was being started
            self.kill()
        probing = asyncio.create_task(self._keep_probing(process.pid))
        try:
            return await process.wait()
        finally:
            self._process = None
            self._ready.clear()
            self._ended.set()
            probing.cancel()

    async def _spawn(self) -> asyncio.subprocess.Process:
        launcher = (sys.executable, "-I", "-S", _LAUNCHER, str(os.getpid()))
        with _open_log(self.spec.log) as output:
            return await asyncio.create_subprocess_exec(
                *launcher,
                *self.spec.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.spec.env},
                pass_fds=self.spec.keep,
                start_new_session=True,  # Ctrl-C in a terminal reaches only us, who stop in order
            )

    async def _keep_probing(self, pid: int) -> None:
        while True:
            if await self._probe(pid):
                self.state = "ready"
                self._ready.set()
            elif self._ready.is_set():
                self.state = "unready"
            await asyncio.sleep(_PROBE_READY if self._ready.is_set() else _PROBE_STARTING)


@contextlib.contextmanager
def _open_log(path: Path | None) -> Iterator[IO[bytes] | None]:
    if path is None:
        yield None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as opened:
        yield opened
