"""What an error of the operating system means to a worker: the one place where it is decided."""

from __future__ import annotations

import errno
import os
from typing import Final

from crossdock.contracts import Disconnected, Halt

_WRONG_SETTINGS: Final = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.EXDEV,
    }
)


def instruction(error: OSError, where: str) -> Disconnected | Halt:
    """Return what to raise for an error of the operating system.

    Permissions, links and wrong kinds of file need a person: Halt. A folder that is not there (not
    mounted), a full or failing disk, a stale network mount may pass: Disconnected.

    Args:
        error: What was raised.
        where: The path as a person knows it.
    """
    number = error.errno or 0
    text = f"{where}: {os.strerror(number) if number else 'the file system failed'}"
    if number in _WRONG_SETTINGS:
        return Halt(f"{text}: check the path and its permissions")
    return Disconnected(text)
