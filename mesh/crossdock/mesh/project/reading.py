"""Reads files of a project, which must lie in its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from crossdock.contracts import Problem
from crossdock.mesh.project.problems import ProjectError

_NOT_NAMES: Final = ("", ".", "..")


class FileReader:
    """Reads many files of one project: it finds out once where each folder really is.

    Keep it for one loading only, since links may change.

    Attributes:
        folder: The project folder.
    """

    def __init__(self, folder: Path) -> None:
        """Take the project folder."""
        self.folder = folder
        self._root = os.path.realpath(folder)
        self._known: dict[str, str] = {}

    def read(self, file: str, limit: int) -> bytes:
        """Return the content of a file.

        Args:
            file: Its path from the project folder.
            limit: Most bytes.

        Raises:
            ProjectError: When it is not there, lies outside or is too large.
        """
        try:
            path = self._path(file)
            if not path.startswith(self._root + os.sep):
                raise _refusal(file, "lies outside the project folder: move it inside")
            with open(path, "rb") as stream:  # noqa: PTH123 - as below
                data = stream.read(limit + 1)
        except OSError as error:
            reason = error.strerror or "unknown error"
            raise _refusal(file, f"cannot be read: {reason.lower()}") from error
        except ValueError as error:  # a name with a NUL in it
            raise _refusal(file, "cannot be read: not a file name") from error
        if len(data) > limit:
            raise _refusal(file, f"larger than {limit} bytes: split it")
        return data

    def _path(self, file: str) -> str:
        """Return where a file really is. There may be thousands: `pathlib` takes thrice as long."""
        if file.startswith("/"):
            return os.path.realpath(file)
        folder, _, name = file.rpartition("/")
        return _real(f"{self._folder(folder)}{os.sep}{name}", name)

    def _folder(self, folder: str) -> str:
        if not folder:
            return self._root
        if folder not in self._known:
            above, _, name = folder.rpartition("/")
            self._known[folder] = _real(f"{self._folder(above)}{os.sep}{name}", name)
        return self._known[folder]


def _real(path: str, name: str) -> str:
    """Resolve the last step of a path whose other steps are no links."""
    is_plain = name not in _NOT_NAMES and not os.path.islink(path)  # noqa: PTH114 - as above
    return path if is_plain else os.path.realpath(path)


def _refusal(file: str, message: str) -> ProjectError:
    problem = Problem(message=message, place=f"{file}:1")
    return ProjectError.of("a project file cannot be used", [problem])
