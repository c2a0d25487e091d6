"""One owner at a time for a store folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from crossdock.contracts import Halt

_PATIENCE = 1.0
_STEP = 0.05


class StoreLock:
    """An advisory lock on a folder, held as long as any process has its descriptor open.

    The server process inherits the descriptor, so a store stays locked while a server uses it,
    even if whoever started that server is gone.

    Attributes:
        descriptor: To be inherited by the process that uses the store.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Args:
            folder: The store; must exist.

        Raises:
            Halt: When another process holds it, also after about a second.
        """
        path = folder / "lock"
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _take(self.descriptor):
            holder = os.pread(self.descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(self.descriptor)
            raise Halt(
                f"the store {folder} is in use by process {holder or 'unknown'}: "
                "stop that one first, or use another folder with --store"
            )
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give up this process's part of the lock. Safe twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _take(descriptor: int) -> bool:
    # A server that was killed together with its parent needs a moment to be gone.
    end = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > end:
            return False
        time.sleep(_STEP)
