"""A claim: one replica's right to read one file, and how far everything in it is safe.

The right is an exclusive ``flock`` on a state file, which the kernel frees when its owner dies,
also by kill -9. The state file also holds the progress: one line for each acknowledged batch,
appended and synced; a line that was torn by a crash is passed over.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from typing import BinaryIO, Final, Self

import msgspec

from crossdock.contracts import keyed_id

_ENTRY: Final = re.compile(rb"(\d{1,19}) (\d{1,19}) (\d{1,20}-\d{1,20}-\d{1,30})\Z")
_MOST: Final = 64 * 1024**2  # bytes of state that are ever read


class Progress(msgspec.Struct, frozen=True):
    """How far a file is safe.

    Attributes:
        offset: Everything before it is acknowledged.
        line: Number of the last line before it.
    """

    offset: int = 0
    line: int = 0


class Claim:
    """An open, locked file and its progress. Use :meth:`take`."""

    def __init__(self, name: str, data: BinaryIO, state: int) -> None:
        """Own the data file and the locked descriptor of the state file."""
        self.name = name
        self.data = data
        self._state = state
        self.version = version_of(os.fstat(data.fileno()))
        self.progress = self._read()

    @classmethod
    def take(cls, name: str, folder: int, states: int) -> Self | None:
        """Claim a file; None when another replica has it, or it is gone.

        Args:
            name: Of a file in the folder.
            folder: Descriptor of the folder.
            states: Descriptor of the folder of state files.

        Raises:
            OSError: When a file cannot be opened for another reason; a symlink is ``ELOOP``.
        """
        state = lock(state_name(name), states)
        if state is None:
            return None
        try:
            data = _open_data(name, folder)
        except OSError as error:
            os.unlink(state_name(name), dir_fd=states)
            os.close(state)
            if isinstance(error, FileNotFoundError):
                return None  # another replica finished it between our look and our lock
            raise
        return cls(name, data, state)

    def size(self) -> int:
        """Return the size of the file now."""
        return os.fstat(self.data.fileno()).st_size

    def is_unchanged(self) -> bool:
        """Tell whether the file is as it was when it was claimed."""
        return version_of(os.fstat(self.data.fileno())) == self.version

    def advance(self, progress: Progress) -> None:
        """Remember, durably, how far everything is safe."""
        entry = f"{progress.offset} {progress.line} {self.version}\n".encode()
        os.write(self._state, entry)
        os.fdatasync(self._state)
        self.progress = progress

    def forget(self, states: int) -> None:
        """Remove the state file of a file that was moved away. The claim must still be held."""
        os.unlink(state_name(self.name), dir_fd=states)

    def release(self) -> None:
        """Close everything; the lock goes with it."""
        self.data.close()
        os.close(self._state)

    def _read(self) -> Progress:
        """Return the progress of this very file; of a file that was replaced or changed: none.

        Reading that one from its start is safe, as the ids of its lines stay the same (I4).
        """
        progress = Progress()
        os.lseek(self._state, 0, os.SEEK_SET)
        with os.fdopen(os.dup(self._state), "rb") as state:
            content = state.read(_MOST)
        whole, _, torn = content.rpartition(b"\n")
        for line in whole.split(b"\n"):
            entry = _ENTRY.match(line)
            if entry and entry[3].decode() == self.version:
                progress = Progress(int(entry[1]), int(entry[2]))
        if torn:  # what is appended next must not become part of it
            os.write(self._state, b"\n")
        return progress


def state_name(name: str) -> str:
    """Return the name of a file's state file: any name becomes a short and safe one."""
    return f"{keyed_id(name)}.state"


def version_of(status: os.stat_result) -> str:
    """Return what changes when a file is replaced or written to."""
    return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"


def lock(name: str, states: int) -> int | None:
    """Open and lock a state file; None when somebody else holds it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    state = os.open(name, flags, 0o600, dir_fd=states)
    try:
        fcntl.flock(state, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its owner may have removed it between our open and our lock: then it guards nothing.
        if os.fstat(state).st_ino == os.stat(name, dir_fd=states, follow_symlinks=False).st_ino:
            return state
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(state)
        raise
    os.close(state)
    return None


def _open_data(name: str, folder: int) -> BinaryIO:
    # Not blocking: the name may be a pipe by now. No link is followed out of the folder.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    data = os.open(name, flags, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(data).st_mode):
        os.close(data)
        raise FileNotFoundError(name)
    return os.fdopen(data, "rb")
