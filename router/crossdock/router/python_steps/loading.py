"""The Python steps of a project: what there is, found without importing any of it here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from crossdock.contracts import Problem
from crossdock.mesh.project.document import read_bytes
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.settings import StepSettings
from crossdock.router.python_steps.discovery import FOLDER
from crossdock.router.python_steps.frames import Described
from crossdock.router.python_steps.launching import BlockingSteps

_MAX_BYTES: Final = 1024 * 1024
_MAX_FILES: Final = 500


class Functions(msgspec.Struct, frozen=True, kw_only=True):
    """The Python steps of a project.

    The files are held as they were read: a process that is started again later must import these,
    and not what somebody is writing now.

    Attributes:
        steps: By name; empty when there are none.
        files: Path below ``steps/`` and content.
        settings: Their bounds.
    """

    steps: dict[str, Described]
    files: dict[str, bytes]
    settings: StepSettings


def load_functions(folder: Path, settings: StepSettings) -> Functions:
    """Find the Python steps of a project, in a process that imports them.

    Args:
        folder: The project folder.
        settings: Bounds of the process.

    Raises:
        Halt: With everything that is wrong with the files.
    """
    with calling_steps(folder, settings) as (found, files):
        return Functions(steps=found.steps if found else {}, files=files, settings=settings)


@contextlib.contextmanager
def calling_steps(
    folder: Path, settings: StepSettings
) -> Iterator[tuple[BlockingSteps | None, dict[str, bytes]]]:
    """Give the Python steps of a project to call, None when it has none, and their files.

    Their process ends with the block.

    Raises:
        Halt: With everything that is wrong with the files.
    """
    files = _read(folder)
    with running_steps(files, settings) as steps:
        yield steps, files


@contextlib.contextmanager
def running_steps(
    files: dict[str, bytes], settings: StepSettings
) -> Iterator[BlockingSteps | None]:
    """Give the steps of files that were read to call, None when there are none.

    Raises:
        Halt: With everything that is wrong with the files.
    """
    if not files:
        yield None
        return
    with (
        written(files) as place,
        contextlib.closing(BlockingSteps(place, settings)) as found,
    ):
        yield found


@contextlib.contextmanager
def written(files: dict[str, bytes]) -> Iterator[Path]:
    """Give a folder that holds the files, and remove it."""
    with TemporaryDirectory(prefix="crossdock-steps-") as name:
        folder = Path(name).resolve()
        for path, content in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        yield folder


def _read(folder: Path) -> dict[str, bytes]:
    root = folder / FOLDER
    paths = sorted(path.relative_to(root).as_posix() for path in root.glob("**/*.py"))
    if len(paths) > _MAX_FILES:
        message = f"more than {_MAX_FILES} files: put shared code into a package of its own"
        raise ProjectError.of(
            "the Python steps cannot be used", [Problem(message=message, place=f"{FOLDER}/:1")]
        )
    return {path: read_bytes(folder, f"{FOLDER}/{path}", _MAX_BYTES) for path in paths}
