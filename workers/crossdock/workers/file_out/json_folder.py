"""A folder with one JSON file a message: each appears whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from crossdock.contracts import keyed_id
from crossdock.workers.file_out.inbox import Inbox, Position

_SAFE: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}\Z")
_TEMPORARY: Final = ".crossdock.new"


class JsonFolder:
    """One open folder, written by one process at a time."""

    def __init__(self, path: Path, inbox: Inbox) -> None:
        """Open the folder.

        Args:
            path: The folder.
            inbox: Open; the caller holds the lock.

        Raises:
            OSError: When it cannot be opened.
        """
        self._path = path
        self._inbox = inbox
        self._folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def write(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Make the files of messages, then mark them delivered (I2, I4).

        A crash in between makes the same file again, with the same content.

        Raises:
            OSError: When one cannot be made.
        """
        if not os.path.samestat(self._path.stat(), os.fstat(self._folder)):
            raise FileNotFoundError(self._path)
        for message_id, data in items:
            self._make(file_name(message_id), data)
        os.fsync(self._folder)
        self._inbox.commit([message_id for message_id, _ in items], Position())

    def close(self) -> None:
        """Close the folder."""
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def _make(self, name: str, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(_TEMPORARY, flags, 0o640, dir_fd=self._folder), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(_TEMPORARY, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)


def file_name(message_id: str) -> str:
    """Return the name of a message's file: its id, or a digest of one that is no safe name."""
    safe = message_id if _SAFE.match(message_id) else keyed_id(message_id)
    return f"{safe}.json"
