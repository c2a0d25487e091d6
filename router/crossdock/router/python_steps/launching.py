"""How the process of the steps is started, and what it finds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, Final

from crossdock.contracts import CrossdockError, Disconnected, Halt, Problem, Reject, Retry
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

_KINDS: Final[dict[str, type[CrossdockError]]] = {
    "reject": Reject,
    "disconnected": Disconnected,
    "halt": Halt,
}
_OURS: Final = ("CROSSDOCK_NATS", "CROSSDOCK_FAIL_POINT", "CROSSDOCK_KEY")


def command(folder: Path, memory: int) -> tuple[str, ...]:
    """Return the command line of the process that imports the files of a folder."""
    module = "crossdock.router.python_steps.host"
    return (sys.executable, "-m", module, str(folder), str(memory))


def environment() -> dict[str, str]:
    """Return its environment: ours without what only the mesh itself needs."""
    return {name: value for name, value in os.environ.items() if name not in _OURS}


def usable(ready: Ready) -> dict[str, Described]:
    """Return the steps of a process by name.

    Raises:
        Halt: With everything that is wrong with their files.
    """
    if ready.wrong:
        problems = [Problem(message=each.message, place=each.place) for each in ready.wrong]
        raise Halt.of("the Python steps cannot be used", problems)
    return {each.name: each for each in ready.steps}


def instruction(step: str, failed: Failed) -> CrossdockError:
    """Return what the runtime has to do about a step that failed."""
    reason = f"step {step}: {failed.reason}"
    if failed.kind == "retry":
        return Retry(reason, after=failed.after)
    return _KINDS[failed.kind](reason)


class BlockingSteps:
    """Steps called one at a time by a program without an event loop: checks and tests of routes.

    Attributes:
        steps: What was found, by name.
    """

    def __init__(self, folder: Path, memory: int) -> None:
        """Start the process and wait until it has imported everything.

        Raises:
            Halt: With everything that is wrong with the files.
        """
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command(folder, memory),
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

    def call(self, step: str, data: Any, attributes: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON is untyped
        """Return what a step makes of data, or the instruction that it failed with.

        Raises:
            Reject: The process ended.
        """
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.write(frame(Ask(0, step, data, attributes)))
        self._process.stdin.flush()
        told = self._read()
        assert not isinstance(told, Ready)  # noqa: S101 - only the first frame is
        return told.data if isinstance(told, Told) else instruction(step, told)

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
