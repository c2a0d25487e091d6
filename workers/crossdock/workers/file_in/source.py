"""The source of ``file-in``: records of the files of one folder, in order of name and line."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from crossdock.contracts import Disconnected, numbered_id
from crossdock.mesh.blocking import Blocking
from crossdock.workers.adapter import Received, WorkerContext
from crossdock.workers.file_errors import instruction
from crossdock.workers.file_in.folder import Folder
from crossdock.workers.file_in.reading import Reading
from crossdock.workers.file_in.records import Record
from crossdock.workers.file_in.settings import FileInSettings

_MOST_CLAIMS: Final = 64  # files that are open at once, two descriptors each (I8)
_MOST_BYTES: Final = 16 * 1024**2  # of one batch, beside its last record (I8)
_LONGEST_WAIT: Final = 1.0  # seconds: what the port allows an idle receive

log = logging.getLogger("crossdock.file-in")


class _Token(msgspec.Struct, frozen=True):
    """What acknowledging a record needs: its file, where it ends, and on which line."""

    name: str
    end: int
    line: int


class FileSource:
    """Receives from the files of a folder. All of its file work is in one thread."""

    def __init__(self, settings: FileInSettings, context: WorkerContext) -> None:
        """Do nothing yet."""
        self._settings = settings
        self._context = context
        self._path = context.folder / settings.folder
        self._blocking = Blocking(f"file-in {context.worker}")
        self._folder: Folder | None = None
        self._readings: dict[str, Reading] = {}  # in the order in which they were taken
        self._reading: Reading | None = None  # the one whose records come next
        self._grown: deque[Reading] = deque()
        self._waiting: deque[str] = deque()
        self._next_look = 0.0
        self._ready: deque[Received] = deque()

    async def open(self) -> None:
        """Open the folder."""
        await self._blocking.run(self._open)

    async def receive(self) -> Sequence[Received]:
        """Return records that are read, waiting about a second for files."""
        # What the thread read stays in _ready when this is cancelled, so nothing is lost.
        await self._blocking.run(self._fill)
        if not self._ready:
            await asyncio.sleep(min(_LONGEST_WAIT, max(0.0, self._next_look - time.monotonic())))
            await self._blocking.run(self._fill)
        size = min(len(self._ready), self._context.batch)
        return [self._ready.popleft() for _ in range(size)]

    async def acknowledge(self, received: Sequence[Received]) -> None:
        """Remember durably that these are safe; move files that are done (I1)."""
        last = {thing.token.name: thing.token for thing in received}
        await self._blocking.run(lambda: self._acknowledge(last))

    async def close(self) -> None:
        """Let go of all files; another replica may take them at once."""
        await self._blocking.stop(self._close)

    def _open(self) -> None:
        self._close()
        try:
            self._folder = Folder(self._path, self._settings, self._context.worker)
        except OSError as error:
            raise instruction(error, str(self._path)) from error

    def _close(self) -> None:
        for reading in self._readings.values():
            reading.claim.release()
        self._readings.clear()
        self._reading = None
        self._grown.clear()
        self._waiting.clear()
        self._ready.clear()
        self._next_look = 0.0
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def _fill(self) -> None:
        """Read until a batch is ready or no file has more."""
        folder = self._opened()
        try:
            size = sum(len(thing.raw) for thing in self._ready)
            while len(self._ready) < self._context.batch and size < _MOST_BYTES:
                self._reading = self._reading or self._next_file(folder)
                if self._reading is None:
                    break
                record = self._reading.next()
                if record is None:
                    self._finish_if_done(folder, self._reading)
                    self._reading = None
                else:
                    self._ready.append(self._received(self._reading.claim.name, record))
                    size += len(record.raw)
            folder.sync()
        except OSError as error:
            raise instruction(error, str(self._path)) from error

    def _next_file(self, folder: Folder) -> Reading | None:
        if self._grown:
            return self._grown.popleft()
        if len(self._readings) >= _MOST_CLAIMS:
            return None
        if not self._waiting and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + self._settings.poll
            self._waiting.extend(name for name in folder.ready() if name not in self._readings)
        while self._waiting:
            name = self._waiting.popleft()
            if reading := self._take(folder, name):
                return reading
        return None

    def _take(self, folder: Folder, name: str) -> Reading | None:
        claim = folder.take(name)
        if claim is None:
            return None
        reading = Reading(claim, self._settings)
        if self._settings.format == "json" and not claim.is_unchanged():
            claim.release()  # it was written to while we read it: wait until it is complete
            folder.unsettle(name)
            return None
        self._readings[name] = reading
        return reading

    def _received(self, name: str, record: Record) -> Received:
        # Name, line and bytes: reading the same file again gives the same ids (I4).
        text = record.raw.decode("latin-1")
        return Received(
            value=record.value,
            raw=record.raw,
            id=numbered_id(f"{self._context.worker} {name}", record.number, text),
            place=f"{_shown(name)}:{record.number}",
            error=record.error,
            token=_Token(name, record.end, record.last_line),
        )

    def _acknowledge(self, last: dict[str, _Token]) -> None:
        folder = self._opened()
        try:
            for token in last.values():
                reading = self._readings.get(token.name)
                if reading is not None:
                    reading.advance(token.end, token.line)
                    self._finish_if_done(folder, reading)
            folder.sync()
        except OSError as error:
            raise instruction(error, str(self._path)) from error

    def _finish_if_done(self, folder: Folder, reading: Reading) -> None:
        if not reading.is_safe():
            return
        if reading.goes_on():
            self._grown.append(reading)
            return
        name = reading.claim.name
        folder.finish(reading.claim, failed=reading.failed)
        del self._readings[name]
        extra = {
            "worker": self._context.worker,
            "file": _shown(name),
            "records": reading.count,
            "failed": reading.failed,
        }
        log.info("file finished", extra=extra)

    def _opened(self) -> Folder:
        if self._folder is None:
            raise Disconnected("the folder is not open")
        return self._folder


def _shown(name: str) -> str:
    """Return a file name for a person: valid text, on one line."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
