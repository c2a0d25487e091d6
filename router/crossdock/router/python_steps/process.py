"""The process of the Python steps as the router sees it: called, bounded in time, started again.

A step may end its process, or hang in a thread that nobody can stop; then the process is started
again. What else was being called at that moment is called again, one at a time, so that the one
that ends processes is found and only that one has failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from crossdock.contracts import Halt, Retry, keyed_id
from crossdock.router.python_steps.frames import (
    HEADER,
    MAX_FRAME,
    THREADS,
    Ask,
    Cancel,
    Failed,
    Ready,
    Told,
    decode_from_host,
    frame,
)
from crossdock.router.python_steps.launching import (
    START,
    asking,
    command,
    environment,
    instruction,
    usable,
)
from crossdock.router.python_steps.loading import Functions, written

log = logging.getLogger("crossdock.router.python_steps")

_GRACE: Final = 0.5  # seconds that a coroutine has to end once it is cancelled


class _Ended(Exception):
    """The process ended while a call was under way."""


class _Child:
    """One process, and the calls that it has not answered."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._calls: dict[int, asyncio.Future[Told | Failed]] = {}
        self._reading = asyncio.create_task(self._read_on(), name="python steps")

    @property
    def ended(self) -> bool:
        """Whether it takes no more: its pipe is closed before it is known to be gone."""
        pipe = self._process.stdin
        return self._reading.done() or pipe is None or pipe.is_closing()

    @contextlib.contextmanager
    def asking(self, number: int, framed: bytes) -> Iterator[asyncio.Future[Told | Failed]]:
        """Ask, and give what will hold the answer; it is forgotten when the block ends."""
        answer: asyncio.Future[Told | Failed] = asyncio.get_running_loop().create_future()
        self._calls[number] = answer
        try:
            self.send(framed)
            yield answer
        finally:
            del self._calls[number]

    def send(self, framed: bytes) -> None:
        """Write one frame.

        Raises:
            _Ended: There is nobody to read it.
        """
        if self.ended:
            raise _Ended
        assert self._process.stdin is not None  # noqa: S101 - then it has not ended
        self._process.stdin.write(framed)

    async def end(self) -> None:
        """Kill it; its calls fail."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._reading

    async def _read_on(self) -> None:
        try:
            while True:
                told = await _read(self._process)
                assert not isinstance(told, Ready)  # noqa: S101 - only the first frame is
                waiting = self._calls.get(told.id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(told)
        except asyncio.IncompleteReadError:
            pass
        await self._process.wait()
        for each in self._calls.values():
            if not each.done():
                each.set_exception(_Ended())


class StepProcess:
    """Calls steps. Started by :meth:`start`, safe to stop twice.

    Attributes:
        restarts: How often the process had to be started again.
        version: What tells these files from others.
    """

    def __init__(self, functions: Functions) -> None:
        """Start nothing yet.

        Args:
            functions: The steps, with their files and bounds.
        """
        self._functions = functions
        self._timeout = functions.settings.timeout
        self._child: _Child | None = None
        self._numbers = itertools.count()
        self._starting: asyncio.Task[_Child] | None = None
        self._alone = asyncio.Lock()
        self._threads = asyncio.Semaphore(THREADS)  # so that no call's time is over in a queue
        self._under_way: set[asyncio.Task[Told | Failed]] = set()
        self.restarts = 0
        files = sorted(functions.files.items())
        self.version = keyed_id(*(part for name, data in files for part in (name, data.hex())))

    async def start(self) -> None:
        """Start the process and wait until it has imported everything.

        Raises:
            Halt: With everything that is wrong with the files.
        """
        await self._running()

    async def stop(self) -> None:
        """End the process; calls under way fail."""
        if self._starting is not None:
            await asyncio.wait([self._starting])
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    async def call(self, step: str, data: Any, attributes: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON is untyped
        """Return what a step makes of data; None when nothing goes on.

        Args:
            step: Its name.
            data: Of the message.
            attributes: Of the message.

        Raises:
            CrossdockError: What the step raised; Retry also when it took too long or ended its
                process.
        """
        while self._alone.locked():  # one that is suspected is alone
            async with self._alone:
                pass
        try:
            return await self._call(step, data, attributes)
        except _Ended:
            async with self._alone:
                return await self._call_alone(step, data, attributes)

    async def _call_alone(self, step: str, data: Any, attributes: dict[str, Any]) -> Any:  # noqa: ANN401 - as call
        try:
            return await self._call(step, data, attributes)
        except _Ended:
            raise Retry(f"step {step}: it ended its process, or needs more memory") from None

    async def _call(self, step: str, data: Any, attributes: dict[str, Any]) -> Any:  # noqa: ANN401 - as call
        ask = Ask(next(self._numbers), step, data, attributes)
        framed = asking(ask)
        async with contextlib.AsyncExitStack() as held:
            if not self._functions.steps[step].is_async:
                await held.enter_async_context(self._threads)
            child = await self._running()
            asked = asyncio.create_task(self._asked(child, ask, framed, held.pop_all()))
        self._under_way.add(asked)
        asked.add_done_callback(self._under_way.discard)
        try:
            told = await asyncio.shield(asked)
        except asyncio.CancelledError:  # the caller's time is over before that of the step
            with contextlib.suppress(_Ended):
                child.send(frame(Cancel(ask.id)))
            raise
        if isinstance(told, Told):
            return told.data
        raise instruction(step, told)

    async def _asked(
        self, child: _Child, ask: Ask, framed: bytes, thread: contextlib.AsyncExitStack
    ) -> Told | Failed:
        """Ask, and wait as long as the step may take, also when nobody wants the answer any more.

        Only so a thread that hangs for a caller that gave up is found, and not lost to the others.
        """
        async with thread:
            with child.asking(ask.id, framed) as answer:
                return await self._in_time(child, ask, answer)

    async def _in_time(
        self, child: _Child, ask: Ask, answer: asyncio.Future[Told | Failed]
    ) -> Told | Failed:
        limit = self._functions.steps[ask.step].timeout or self._timeout
        done, _ = await asyncio.wait([answer], timeout=limit)
        if done:
            return answer.result()
        child.send(frame(Cancel(ask.id)))
        done, _ = await asyncio.wait([answer], timeout=_GRACE)
        if not done:
            log.warning("a step hangs: its process is ended", extra={"step": ask.step})
            await child.end()
        answer.exception()  # what became of it has no say any more
        raise Retry(f"step {ask.step}: it took longer than {limit:g} s")

    async def _running(self) -> _Child:
        if self._child is not None and not self._child.ended:
            return self._child
        if self._starting is None:
            self.restarts += self._child is not None
            self._starting = asyncio.create_task(self._start(), name="start python steps")
        # A caller whose time is over must not cancel this: asyncio would wait for ever for a
        # process whose pipes were not connected yet, and other callers wait for it, too.
        return await asyncio.shield(self._starting)

    async def _start(self) -> _Child:
        try:
            self._child = await self._started()
            return self._child
        finally:
            self._starting = None

    async def _started(self) -> _Child:
        with written(self._functions.files) as folder:  # imported once, then not needed
            return await self._started_in(folder)

    async def _started_in(self, folder: Path) -> _Child:
        process = await asyncio.create_subprocess_exec(
            *command(folder, self._functions.settings.memory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment(),
            limit=MAX_FRAME + HEADER.size,
        )
        try:
            async with asyncio.timeout(START):
                ready = await _read(process)
            assert isinstance(ready, Ready)  # noqa: S101 - the first frame
            usable(ready)
        except (TimeoutError, asyncio.IncompleteReadError, Halt) as error:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if isinstance(error, Halt):
                raise
            raise Halt(f"steps/ cannot be imported: it took {START:g} s, or ended") from None
        return _Child(process)


async def _read(process: asyncio.subprocess.Process) -> Ready | Told | Failed:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    (length,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
    told: Ready | Told | Failed = decode_from_host(await process.stdout.readexactly(length))
    return told
