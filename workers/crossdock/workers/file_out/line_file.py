"""The file that lines are appended to: true up to where its inbox says, and cut back to there."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from crossdock.contracts import Halt
from crossdock.workers.file_out.inbox import Inbox, Position

log = logging.getLogger("crossdock.file-out")


class LineFile:
    """One open file. It belongs to one worker: bytes that are not in the inbox are cut off."""

    def __init__(self, path: Path, header: bytes, rotate: int | None, inbox: Inbox) -> None:
        """Open the file and cut it back to what is delivered.

        Args:
            path: The file.
            header: What a new file begins with.
            rotate: Size at which it is put aside, None for never.
            inbox: Open; the caller holds the lock.

        Raises:
            OSError: When it cannot be opened.
            Halt: When it is shorter than what was delivered to it.
        """
        self._path = path
        self._header = header
        self._rotate = rotate
        self._inbox = inbox
        self._position = Position()
        self._file = -1
        self._open()
        try:
            self._recover()
        except BaseException:
            self.close()
            raise

    def write(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Append the lines of messages, and mark them delivered, in this order (I2, I4).

        Raises:
            OSError: When it fails; the file is then cut back at the next write or open.
        """
        # A file that was moved away takes its place with it: the next open begins a new one.
        if not os.path.samestat(self._path.stat(), os.fstat(self._file)):
            raise FileNotFoundError(self._path)
        data = b"".join(line for _, line in items)
        if self._is_full(len(data)):
            self._put_aside()
        if not self._position.size:
            data = self._header + data
        size = self._append(data)
        position = Position(size, self._position.aside)
        self._inbox.commit([message_id for message_id, _ in items], position)
        self._position = position

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o640)
        _sync_folder(self._path.parent)

    def _recover(self) -> None:
        size = os.fstat(self._file).st_size
        committed = self._inbox.position()
        if committed is None:  # no inbox yet: what is there stays there
            self._position = Position(size)
            return
        if size == 0:  # new, because the one before was moved away
            self._position = Position(0, committed.aside)
            return
        if size < committed.size:
            raise Halt(
                f"{self._path} is shorter than what was delivered to it: restore it, or move it "
                "away to begin a new one"
            )
        if size > committed.size:
            os.ftruncate(self._file, committed.size)
            os.fsync(self._file)
            extra = {"file": self._path.name, "bytes": size - committed.size}
            log.warning("unfinished write cut off", extra=extra)
        self._position = committed

    def _append(self, data: bytes) -> int:
        offset = self._position.size
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file, view, offset)
            offset += written
            view = view[written:]
        os.ftruncate(self._file, offset)  # what a failed write left behind it
        os.fsync(self._file)
        return offset

    def _is_full(self, more: int) -> bool:
        size = self._position.size
        return self._rotate is not None and size > 0 and size + more > self._rotate

    def _put_aside(self) -> None:
        number = self._position.aside + 1
        while (aside := self._aside(number)).exists():
            number += 1
        self.close()
        self._path.rename(aside)
        _sync_folder(self._path.parent)
        # Before a new file may exist, so that a crash in between finds none, or an empty one.
        self._position = Position(0, number)
        self._inbox.commit([], self._position)
        self._open()

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.stem}.{number:06}{self._path.suffix}")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
