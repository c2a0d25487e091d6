"""How the process of the steps is started, and what it finds."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from crossdock.contracts import CrossdockError, Disconnected, Halt, Problem, Reject, Retry
from crossdock.mesh.project.settings import StepSettings
from crossdock.router.python_steps.frames import (
    HEADER,
    MAX_FRAME,
    Ask,
    Described,
    Failed,
    FromHost,
    Ready,
    Told,
    decode_from_host,
    frame,
)

START: Final = 30.0
"""Seconds for importing all files."""
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


def asking(ask: Ask) -> bytes:
    """Return what asks for a call.

    Raises:
        Reject: The data cannot be given to the process.
    """
    try:
        return frame(ask)
    except (ValueError, OverflowError):
        limit = f"more than {MAX_FRAME} bytes, or a number of more than 64 bits"
        raise Reject(f"step {ask.step}: the data cannot be given to it: {limit}") from None


class BlockingSteps:
    """Steps called one at a time by a program without an event loop: checks and tests of routes.

    A process that has ended is started again for the next call.

    Attributes:
        steps: What was found, by name.
    """

    def __init__(self, folder: Path, settings: StepSettings) -> None:
        """Start the process and wait until it has imported everything.

        Args:
            folder: The files.
            settings: Bounds of the process.

        Raises:
            Halt: With everything that is wrong with the files.
        """
        self._folder = folder
        self._settings = settings
        self._process = self._started()
        try:
            self.steps = self._ready()
        except BaseException:
            self.close()
            raise

    def call(self, step: str, data: Any, attributes: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON is untyped
        """Return what a step makes of data, or the instruction that it failed with.

        Raises:
            Reject: It took too long, the process ended, or the data cannot be given to it.
        """
        framed = asking(Ask(0, step, data, attributes))
        if self._process.poll() is not None:
            self.close()
            self._process = self._started()
            self._ready()
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        limit = self.steps[step].timeout or self._settings.timeout
        with self._ended_after(limit, f"step {step}: it took longer than {limit:g} s"):
            self._process.stdin.write(framed)
            self._process.stdin.flush()
            told = self._read()
        assert not isinstance(told, Ready)  # noqa: S101 - only the first frame is
        return told.data if isinstance(told, Told) else instruction(step, told)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # of what was not written to it
                    pipe.close()
        self._process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own program
            command(self._folder, self._settings.memory),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )

    def _ready(self) -> dict[str, Described]:
        try:
            with self._ended_after(START, f"it took {START:g} s"):
                ready = self._read()
        except Reject as error:
            raise Halt(f"steps/ cannot be imported: {error.reason}") from None
        assert isinstance(ready, Ready)  # noqa: S101 - the first frame
        return usable(ready)

    @contextlib.contextmanager
    def _ended_after(self, limit: float, reason: str) -> Iterator[None]:
        """End the process when the block takes longer than so many seconds.

        Raises:
            Reject: It did, or the process ended by itself.
        """
        until = time.monotonic() + limit
        timer = threading.Timer(limit, self._process.kill)
        timer.start()
        try:
            yield
        except (EOFError, BrokenPipeError):
            self._process.wait()
            ended = "the process of the Python steps ended: it exits, or needs more memory"
            raise Reject(reason if time.monotonic() >= until else ended) from None
        finally:
            timer.cancel()

    def _read(self) -> FromHost:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        (length,) = HEADER.unpack(_exactly(self._process.stdout, HEADER.size))
        told: FromHost = decode_from_host(_exactly(self._process.stdout, length))
        return told


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data
