"""From a project folder to the files of a revision, and back."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from crossdock.contracts import Halt
from crossdock.mesh.project.document import read_bytes
from crossdock.mesh.registry.paths import TOP, belongs
from crossdock.mesh.registry.revision import MAX_FILE, Digest, digest_of
from crossdock.mesh.watching import FOLDERS, is_of_project

_SECRET_FILE = re.compile(rb"\$\{file:([^${}]+)\}")


class ProjectFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What a project folder would make of a revision.

    Attributes:
        files: By path, the digest.
        contents: By digest, the content.
        left_out: Paths of files in the project's folders that no revision takes: of other kinds,
            and those that settings name as files with a secret.
    """

    files: dict[str, Digest]
    contents: dict[Digest, bytes]
    left_out: tuple[str, ...]

    def __repr__(self) -> str:  # I6
        return f"ProjectFiles({len(self.files)} files)"


def read_project(folder: Path) -> ProjectFiles:
    """Read the files of a project that make a revision.

    Args:
        folder: The project folder.

    Raises:
        ProjectError: A file cannot be read, lies outside or is too large.
    """
    contents: dict[str, bytes] = {}
    left_out: list[str] = []
    for path in _paths(folder):
        if belongs(path):
            contents[path] = read_bytes(folder, path, MAX_FILE)
        else:
            left_out.append(path)
    secret = {
        os.path.normpath(named.decode("utf-8", "replace"))
        for path, content in contents.items()
        if path.endswith(".yaml")
        for named in _SECRET_FILE.findall(content)
    }
    for path in secret & contents.keys():
        del contents[path]
        left_out.append(path)
    files = {path: digest_of(content) for path, content in contents.items()}
    return ProjectFiles(
        files=files,
        contents={files[path]: content for path, content in contents.items()},
        left_out=tuple(sorted(left_out)),
    )


def write_files(
    folder: Path,
    files: Mapping[str, Digest],
    contents: Mapping[Digest, bytes],
    have: Mapping[Digest, Path],
) -> None:
    """Write the files of a revision into a new folder, which appears as a whole.

    Args:
        folder: Must not be there yet.
        files: Files of the revision.
        contents: By digest; what is not among them is linked from ``have``.
        have: By digest, where a file with that content is.

    Raises:
        Halt: It cannot be written.
    """
    part = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of an attempt that failed
        part.mkdir(mode=0o700)
        for path, digest in files.items():
            file = part / path
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if digest in have:
                file.hardlink_to(have[digest])
            else:
                file.write_bytes(contents[digest])
        part.rename(folder)
    except OSError as error:
        raise Halt(f"a revision cannot be written to {folder.parent}: {error.strerror}") from error


def _paths(folder: Path) -> Iterator[str]:
    yield from (name for name in TOP if (folder / name).is_file())
    for top in FOLDERS:
        for place, folders, names in os.walk(folder / top):
            folders[:] = sorted(
                each for each in folders if is_of_project(each) and each != "__pycache__"
            )
            inside = Path(place).relative_to(folder).as_posix()
            yield from (f"{inside}/{name}" for name in sorted(names) if is_of_project(name))
