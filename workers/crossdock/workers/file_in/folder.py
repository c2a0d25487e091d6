"""The folder that files arrive in: what is ready, who reads it, where it goes afterwards."""

from __future__ import annotations

import errno
import logging
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from crossdock.workers.file_in.claim import Claim, lock, state_name, version_of
from crossdock.workers.file_in.settings import FileInSettings

_STATES: Final = ".crossdock"
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NOT_OURS: Final = frozenset({errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENXIO})

log = logging.getLogger("crossdock.file-in")


class Folder:
    """One open folder. All paths are relative to open descriptors, so no link leads out of it."""

    def __init__(self, path: Path, settings: FileInSettings, worker: str) -> None:
        """Open the folder, and make the folders for state, done and failed.

        Args:
            path: The folder itself.
            settings: Of the adapter.
            worker: For log lines.

        Raises:
            OSError: When one of them cannot be opened.
        """
        self._path = path
        self._pattern = settings.taken
        self._settle = settings.settle
        self._worker = worker
        self._seen: dict[str, tuple[str, float]] = {}
        self._refused: set[str] = set()
        self._moved = False
        self._open: list[int] = []
        try:
            self.root = self._keep(os.open(path, _DIRECTORY))
            self.states = self._own(_STATES)
            self._done = self._other(path / settings.done)
            self._failed = self._other(path / settings.failed)
        except OSError:
            self.close()
            raise
        self._sweep()

    def ready(self) -> list[str]:
        """Return the names of files that are complete, by name.

        Raises:
            OSError: When the folder is gone.
        """
        # An open descriptor outlives its folder: look whether the path still leads to it.
        if not os.path.samestat(self._path.stat(), os.fstat(self.root)):
            raise FileNotFoundError(errno.ENOENT, "replaced", str(self._path))
        now = time.monotonic()
        seen: dict[str, tuple[str, float]] = {}
        for name, status in self._files():
            version = version_of(status)
            before = self._seen.get(name)
            seen[name] = before if before and before[0] == version else (version, now)
        self._seen = seen
        return sorted(name for name, (_, since) in seen.items() if now - since >= self._settle)

    def unsettle(self, name: str) -> None:
        """Count a file that turned out to be still written to as not seen before."""
        self._seen.pop(name, None)

    def take(self, name: str) -> Claim | None:
        """Claim a file; None when another replica has it, it is gone, or it changes again."""
        try:
            claim = Claim.take(name, self.root, self.states)
        except OSError as error:
            if error.errno not in _NOT_OURS:
                raise
            self._refuse(name)  # it stays where it is, and holds up no other
            return None
        if claim is not None and claim.version != self._seen[name][0]:
            claim.release()
            self.unsettle(name)
            return None
        return claim

    def finish(self, claim: Claim, *, failed: bool) -> None:
        """Move a file away and release it; :meth:`sync` makes the move durable."""
        self._move(claim.name, self._failed if failed else self._done)
        self._moved = True
        claim.forget(self.states)
        claim.release()
        self._seen.pop(claim.name, None)

    def sync(self) -> None:
        """Make the moves so far durable. One that a crash undoes is read again, same ids (I4)."""
        if self._moved:
            for folder in (self._done, self._failed, self.root):
                os.fsync(folder)
            self._moved = False

    def close(self) -> None:
        """Close all descriptors."""
        while self._open:
            os.close(self._open.pop())

    def _move(self, name: str, target: int) -> None:
        """Rename into a folder, never over a file that is there."""
        goal = Path(name)
        while not _reserve(goal.name, target):
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            goal = Path(f"{Path(name).stem[:150]}.{now}{Path(name).suffix[:50]}")
        os.rename(name, goal.name, src_dir_fd=self.root, dst_dir_fd=target)

    def _files(self) -> list[tuple[str, os.stat_result]]:
        found = []
        with os.scandir(self.root) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not fnmatchcase(entry.name, self._pattern):
                    continue
                try:
                    if entry.is_file(follow_symlinks=False):
                        found.append((entry.name, entry.stat(follow_symlinks=False)))
                    elif entry.is_symlink():
                        self._refuse(entry.name)
                except FileNotFoundError:
                    continue  # another replica moved it away meanwhile
        return found

    def _refuse(self, name: str) -> None:
        if name not in self._refused and len(self._refused) < 1000:  # noqa: PLR2004 - bound of memory
            self._refused.add(name)
            log.warning(
                "file refused: a link, or not readable",
                extra={"worker": self._worker, "file": name},
            )

    def _sweep(self) -> None:
        """Remove the state of files that a person took away."""
        known = {state_name(name) for name, _ in self._files()}
        with os.scandir(self.states) as entries:
            orphans = [entry.name for entry in entries if entry.name not in known]
        for name in orphans:
            state = lock(name, self.states)
            if state is not None:
                os.unlink(name, dir_fd=self.states)
                os.close(state)

    def _own(self, name: str) -> int:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=self.root)
        return self._keep(os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=self.root))

    def _other(self, path: Path) -> int:
        path.mkdir(parents=True, exist_ok=True)
        folder = self._keep(os.open(path, _DIRECTORY | os.O_NOFOLLOW))
        if os.fstat(folder).st_dev != os.fstat(self.root).st_dev:
            raise OSError(errno.EXDEV, "a rename does not reach it", str(path))
        return folder

    def _keep(self, descriptor: int) -> int:
        self._open.append(descriptor)
        return descriptor


def _reserve(name: str, folder: int) -> bool:
    """Make an empty file of that name, which a rename may then replace; False if it is taken."""
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=folder))
    except FileExistsError:
        return False
    return True
