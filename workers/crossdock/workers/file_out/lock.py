"""One writer at a time: an exclusive ``flock``, which the kernel frees when its owner dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from crossdock.contracts import Disconnected


def exclusive(path: Path, what: str) -> int:
    """Lock a lock file, and return its descriptor: closing it frees the lock.

    Args:
        path: The lock file; made when it is not there, and never removed.
        what: What it guards, for a person.

    Raises:
        Disconnected: While another replica has it: the runtime waits and tries again.
        OSError: When the file cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Disconnected(f"{what}: another replica is writing it") from error
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
