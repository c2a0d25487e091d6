"""The processes that the demo starts. None outlives it, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

import httpx

from crossdock.mesh import launch

HERE: Final = Path(__file__).parent.parent
_GRACE: Final = 30.0
_START: Final = 60.0
_COMMAND: Final = 60.0
_SHOWN: Final = 20


class NotStartedError(Exception):
    """A process ended, or did not get ready in time; the text says what it wrote."""


class CommandFailedError(Exception):
    """A crossdock command ended with an error; the text says what it wrote."""


@contextlib.asynccontextmanager
async def crm(port: int, env: Mapping[str, str]) -> AsyncIterator[str]:
    """Run the CRM stand-in, and give its URL.

    Raises:
        NotStartedError: It does not answer.
    """
    argv = (sys.executable, str(HERE / "crm.py"), str(port))
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=PIPE, env=env, start_new_session=True
    )
    try:
        url = f"http://127.0.0.1:{port}/contacts"
        await _until_it_answers(url, process)
        yield url
    finally:
        await _end(process)


@contextlib.asynccontextmanager
async def mesh(project: Path, env: Mapping[str, str]) -> AsyncIterator[Mesh]:
    """Run ``crossdock up`` for a project, on a free port.

    Raises:
        NotStartedError: It did not get ready.
    """
    began = time.monotonic()
    log = project / "data" / "up.log"
    # It dies with us, even if we are killed: see the launcher.
    launcher = (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()))
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *launcher,
            *(sys.executable, "-m", "crossdock.cli", "up", str(project)),
            *("--http", "127.0.0.1:0"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=errors,
            env=env,
            start_new_session=True,  # Ctrl-C reaches only us, who stop in order
        )
    try:
        http = await _ready(process, log)
        yield Mesh(project, env, http=http, seconds=time.monotonic() - began)
    finally:
        await _end(process)


class Mesh:
    """A mesh that runs.

    Attributes:
        http: URL of its gateway.
        seconds: How long it took to get ready.
    """

    def __init__(self, project: Path, env: Mapping[str, str], *, http: str, seconds: float) -> None:
        """Describe a mesh that :func:`mesh` started."""
        self.http = http
        self.seconds = seconds
        self._project = project
        self._env = env

    async def command(self, *words: str) -> str:
        """Run a crossdock command on this project; return what it prints."""
        return await command(*words, "--project", str(self._project), env=self._env)


async def command(*words: str, env: Mapping[str, str]) -> str:
    """Run a crossdock command; return what it prints.

    Raises:
        CommandFailedError: Its exit code is not 0.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock.cli", *words), stdout=PIPE, stderr=PIPE, env=env
    )
    try:
        async with asyncio.timeout(_COMMAND):
            out, err = await process.communicate()
    finally:
        await _end(process)
    if process.returncode != 0:
        text = (err or out).decode(errors="replace").strip()
        raise CommandFailedError(f"crossdock {' '.join(words)}: {text}")
    return out.decode()


async def _ready(process: Process, log: Path) -> str:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        async with asyncio.timeout(_START):
            line = (await process.stdout.readline()).decode()
    except TimeoutError:
        line = ""
    words = line.split()
    if len(words) == 2 and words[0] == "ready":  # noqa: PLR2004 - ready URL
        return words[1]
    text = (await asyncio.to_thread(log.read_bytes)).decode(errors="replace")
    raise NotStartedError(
        "\n".join(["crossdock up did not get ready:", *text.splitlines()[-_SHOWN:]])
    )


async def _until_it_answers(url: str, process: Process) -> None:
    deadline = time.monotonic() + _START
    async with httpx.AsyncClient(trust_env=False) as client:
        while time.monotonic() < deadline and process.returncode is None:
            with contextlib.suppress(httpx.TransportError):
                await client.get(url)
                return
            await asyncio.sleep(0.05)
    raise NotStartedError(f"the CRM stand-in does not answer at {url}: is its port taken?")


async def _end(process: Process) -> None:
    """Stop a process, and kill it when it does not stop in time."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
