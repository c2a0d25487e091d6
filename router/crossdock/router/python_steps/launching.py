"""How the process of the steps is started, and what it finds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

from crossdock.contracts import Halt, Problem, Reject
from crossdock.router.python_steps.discovery import FOLDER
from crossdock.router.python_steps.frames import (
    HEADER,
    Ask,
    Described,
    Failed,
    FromHost,
    Ready,
    Told,
    decode_from_host,
    frame,
)

_OURS: Final = ("CROSSDOCK_NATS", "CROSSDOCK_FAIL_POINT", "CROSSDOCK_KEY")


def command(project: Path, memory: int) -> tuple[str, ...]:
    """Return the command line of the process."""
    module = "crossdock.router.python_steps.host"
    return (sys.executable, "-m", module, str((project / FOLDER).absolute()), str(memory))


def environment() -> dict[str, str]:
    """Return its environment: ours without what only the mesh itself needs."""
    return {name: value for name, value in os.environ.items() if name not in _OURS}


def has_steps(project: Path) -> bool:
    """Tell whether a project has Python steps."""
    return any((project / FOLDER).glob("[!_.]*.py"))


def usable(ready: Ready) -> dict[str, Described]:
    """Return the steps of a process by name.

    Raises:
        Halt: With everything that is wrong with their files.
    """
    if ready.wrong:
        problems = [Problem(message=each.message, place=each.place) for each in ready.wrong]
        raise Halt.of("the Python steps cannot be used", problems)
    return {each.name: each for each in ready.steps}


class BlockingSteps:
    """Steps called one at a time by a program without an event loop: checks and tests of routes.

    Attributes:
        steps: What was found, by name.
    """

    def __init__(self, project: Path, memory: int) -> None:
        """Start the process and wait until it has imported everything.

        Raises:
            Halt: With everything that is wrong with the files.
        """
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command(project, memory),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )
        try:
            ready = self._read()
            assert isinstance(ready, Ready)  # noqa: S101 - the first frame
            self.steps = usable(ready)
        except BaseException:
            self.close()
            raise

    def call(self, ask: Ask) -> Told | Failed:
        """Call one step and wait for it.

        Raises:
            Reject: The process ended.
        """
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.write(frame(ask))
        self._process.stdin.flush()
        answer = self._read()
        assert not isinstance(answer, Ready)  # noqa: S101 - only the first frame is
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _read(self) -> FromHost:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        (length,) = HEADER.unpack(_exactly(self._process.stdout, HEADER.size))
        told: FromHost = decode_from_host(_exactly(self._process.stdout, length))
        return told


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise Reject("the process of the Python steps ended: it exits, or needs more memory")
    return data
