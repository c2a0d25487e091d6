"""A folder of this process alone, which is gone when the process is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PREFIX: Final = "crossdock-live-"
_LOCK: Final = ".lock"


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Give a folder that only this user can read, and remove it at the end.

    A process that is killed cannot remove its own: the next one does. So a container that is killed
    again and again does not fill its disk.
    """
    _remove_left_ones()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:  # mode 0700
        root = Path(name)
        part = root / f"{_LOCK}.part"
        lock = os.open(part, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            part.rename(root / _LOCK)  # where others see it, it is locked
            yield root
        finally:
            os.close(lock)


def _remove_left_ones() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # it is held, just made or gone, or another user's
            lock = os.open(folder / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)
