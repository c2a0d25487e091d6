"""The sink of ``file-out``: durable appends, each message once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from crossdock.contracts import CrossdockError, Disconnected, Reject
from crossdock.mesh.blocking import Blocking
from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.file_errors import instruction
from crossdock.workers.file_out.encoding import encoder, header
from crossdock.workers.file_out.inbox import Inbox
from crossdock.workers.file_out.json_folder import JsonFolder
from crossdock.workers.file_out.line_file import LineFile
from crossdock.workers.file_out.lock import exclusive
from crossdock.workers.file_out.settings import FileOutSettings


class _Target(Protocol):
    """Where messages are written to."""

    def write(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write messages by id, and mark them in the inbox."""

    def close(self) -> None:
        """Close it."""


class FileSink:
    """Delivers to a file, or to a folder of files. All of its work is in one thread."""

    def __init__(self, settings: FileOutSettings, context: WorkerContext) -> None:
        """Do nothing yet."""
        self._settings = settings
        self._path = context.folder / settings.path
        self._encode = encoder(settings)
        self._blocking = Blocking(f"file-out {context.worker}")
        self._lock = -1
        self._inbox: Inbox | None = None
        self._target: _Target | None = None

    async def open(self) -> None:
        """Take the lock, then repair what a crash may have left."""
        await self._blocking.run(self._open)

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[CrossdockError | None]:
        """Write what was not delivered before; on disk when it returns.

        When cancelled, a write that has begun goes on to its end, before anything else does.
        """
        return await self._blocking.run(lambda: self._deliver(deliveries))

    async def close(self) -> None:
        """Close the files and free the lock."""
        await self._blocking.stop(self._close)

    def _open(self) -> None:
        self._close()
        settings = self._settings
        try:
            self._lock = exclusive(self._beside("lock"), str(self._path))
            self._inbox = Inbox(
                self._beside("inbox"), most=settings.remember, longest=settings.remember_for
            )
            if settings.format == "json":
                self._target = JsonFolder(self._path, self._inbox)
            else:
                self._target = LineFile(self._path, header(settings), settings.rotate, self._inbox)
        except OSError as error:
            self._close()
            raise instruction(error, str(self._path)) from error
        except CrossdockError:
            self._close()
            raise

    def _close(self) -> None:
        if self._target is not None:
            self._target.close()
            self._target = None
        if self._inbox is not None:
            self._inbox.close()
            self._inbox = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _deliver(self, deliveries: Sequence[Delivery]) -> list[CrossdockError | None]:
        if self._inbox is None or self._target is None:
            raise Disconnected(f"{self._path} is not open")
        done = self._inbox.known([delivery.id for delivery in deliveries])
        results: list[CrossdockError | None] = []
        fresh: list[tuple[str, bytes]] = []
        for delivery in deliveries:
            result = None
            if delivery.id not in done:
                try:
                    fresh.append((delivery.id, self._encode(delivery.value)))
                    done.add(delivery.id)
                except Reject as error:
                    result = error
            results.append(result)
        if fresh:
            self._write(self._target, fresh)
        return results

    def _write(self, target: _Target, fresh: Sequence[tuple[str, bytes]]) -> None:
        try:
            target.write(fresh)
        except OSError as error:
            raise instruction(error, str(self._path)) from error

    def _beside(self, what: str) -> Path:
        """Return the path of a file of ours: hidden, beside the data."""
        if self._settings.format == "json":
            return self._path / f".crossdock.{what}"
        return self._path.with_name(f".{self._path.name}.{what}")
