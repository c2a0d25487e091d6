"""The process that Python steps run in: ``python -m crossdock.router.python_steps.host DIR BYTES``.

It reads calls from standard input and writes what came of them to standard output. What steps print
goes to standard error. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import functools
import os
import resource
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject, Retry
from crossdock.router.python_steps.discovery import Found, discover
from crossdock.router.python_steps.frames import (
    HEADER,
    THREADS,
    Ask,
    Cancel,
    Failed,
    Ready,
    Told,
    decode_to_host,
    frame,
)

_KINDS: Final = (
    (Reject, "reject"),
    (Retry, "retry"),
    (Disconnected, "disconnected"),
    (Halt, "halt"),
)


class Host:
    """Serves calls until the input ends."""

    def __init__(self, steps: dict[str, Found], output: int) -> None:
        self._steps = steps
        self._output = output
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="step")
        self._tasks: set[asyncio.Task[None]] = set()
        self._coroutines: dict[int, asyncio.Task[None]] = {}

    def send(self, framed: bytes) -> None:
        """Write one frame whole."""
        data = memoryview(framed)
        while data:
            data = data[os.write(self._output, data) :]

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Take calls; each runs beside the others."""
        while True:
            try:
                (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
                asked = decode_to_host(await reader.readexactly(length))
            except asyncio.IncompleteReadError:
                return
            if isinstance(asked, Cancel):
                self._cancel(asked.id)
            else:
                task = asyncio.create_task(self._answer(asked))
                task.add_done_callback(self._tasks.discard)
                self._tasks.add(task)
                if self._steps[asked.step].is_async:
                    self._coroutines[asked.id] = task
                    task.add_done_callback(functools.partial(self._forget, asked.id))

    def _cancel(self, number: int) -> None:
        """Cancel a coroutine. A thread cannot be stopped: it answers late, or never."""
        if number in self._coroutines:
            self._coroutines[number].cancel()

    def _forget(self, number: int, _: asyncio.Task[None]) -> None:
        del self._coroutines[number]

    async def _answer(self, asked: Ask) -> None:
        found = self._steps[asked.step]
        try:
            made = await self._call(found, asked)
            answer = frame(Told(asked.id, made))
        except asyncio.CancelledError:
            answer = frame(Failed(asked.id, "retry", "its time was over"))
        except Exception as error:  # noqa: BLE001 - whatever a user's function raises
            answer = frame(_failure(asked.id, error, found))
        self.send(answer)

    async def _call(self, found: Found, asked: Ask) -> Any:  # noqa: ANN401 - JSON is untyped
        data = asked.data
        if found.type is not Any:
            try:
                data = msgspec.convert(data, found.type)
            except msgspec.ValidationError as error:
                # Only its place may be told: its text quotes a value that is none of a choice (I6).
                place = str(error).rpartition(" - at ")[2] if " - at " in str(error) else "`$`"
                raise Reject(f"the data does not fit the step's type at {place}") from None
        arguments = (data, asked.attributes) if found.declared.attributes else (data,)
        if found.is_async:
            made = await found.function(*arguments)
        else:
            loop = asyncio.get_running_loop()
            made = await loop.run_in_executor(self._threads, found.function, *arguments)
        return msgspec.to_builtins(made, str_keys=True)


def _failure(number: int, error: Exception, found: Found) -> Failed:
    for instruction, kind in _KINDS:
        if isinstance(error, instruction):
            assert isinstance(error, CrossdockError)  # noqa: S101 - narrows a type
            after = error.after if isinstance(error, Retry) else None
            return Failed(number, kind, error.reason[:500], after)  # type: ignore[arg-type] # one of them
    # Its text may quote the payload, so only its kind and its place are told (I6).
    place, trace = "", error.__traceback__
    file = found.function.__code__.co_filename
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            place = f" in {Path(file).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return Failed(number, "retry", f"{type(error).__name__}{place}")


async def _run(host: Host) -> None:
    reader = asyncio.StreamReader(limit=2**20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await host.serve(reader)


def main(folder: Path, memory: int) -> None:
    """Serve the steps of a folder, in at most so many bytes of memory."""
    output = os.dup(1)
    os.dup2(2, 1)  # what a step prints must not come between frames
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    steps, told, wrong = discover(folder)
    host = Host(steps, output)
    host.send(frame(Ready(tuple(told), tuple(wrong))))
    asyncio.run(_run(host))
    os._exit(0)  # a thread may still hang in a step


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
