"""Reads ``mesh.yaml`` and the folders that hold one named thing a file.

A file has the name of what it defines (``routes/orders.yaml`` says ``route: orders``), and a
mismatch is refused: so a name seen in a log, a trace or a subject leads to its file, no two files
can define the same name, and a renamed file cannot silently become a second durable consumer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from crossdock.contracts import Problem, is_token
from crossdock.mesh.project.conversion import convert
from crossdock.mesh.project.document import Document, read
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.settings import MeshFile

T = TypeVar("T")
MESH_FILE = "mesh.yaml"
_NAME_RULE = "use lower-case letters, digits, - and _, at most 63, first a letter or digit"


class Loaded(msgspec.Struct, Generic[T], frozen=True):
    """A typed file, and where each of its values stands.

    Attributes:
        value: What the file says.
        document: For the place of a problem.
    """

    value: T
    document: Document


def load_mesh(folder: Path) -> MeshFile:
    """Read ``mesh.yaml``.

    Args:
        folder: The project folder.

    Raises:
        ProjectError: With every problem.
    """
    return read_mesh(folder).value


def read_mesh(folder: Path) -> Loaded[MeshFile]:
    """Read ``mesh.yaml``, with places.

    Raises:
        ProjectError: With every problem.
    """
    document = read(folder, MESH_FILE)
    mesh = convert(document, MeshFile)
    problems = [
        document.problem(f"{name[:80]!r} cannot be the name of a policy: {_NAME_RULE}", path)
        for name, path in ((name, ("policies", name)) for name in mesh.policies)
        if not is_token(name)
    ]
    if not is_token(mesh.mesh):
        problems.insert(0, document.problem(f"not a name for a mesh: {_NAME_RULE}", ("mesh",)))
    if problems:
        raise ProjectError.of(f"{MESH_FILE} cannot be used", problems)
    return Loaded(mesh, document)


def read_named(
    folder: Path, kind: str, settings: type[T], key: str
) -> tuple[list[Loaded[T]], list[Problem]]:
    """Read every file of a folder of the project, sorted by name.

    Args:
        folder: The project folder.
        kind: Folder in it, such as ``routes``; it may be missing.
        settings: Type of each file.
        key: Its key that holds the name, such as ``route``.

    Returns:
        The files that are right in themselves, and the problems of the others.
    """
    good: list[Loaded[T]] = []
    problems: list[Problem] = []
    for path in sorted((folder / kind).glob("*.y*ml")):
        file = f"{kind}/{path.name}"
        try:
            document = read(folder, file)
            value = convert(document, settings)
        except ProjectError as error:
            problems += error.problems
            continue
        wrong = _wrong_name(document, key, file)
        problems += wrong
        if not wrong:
            good.append(Loaded(value, document))
    return good, problems


def load_named(folder: Path, kind: str, settings: type[T], key: str) -> tuple[T, ...]:
    """Read every file of a folder of the project, as :func:`read_named` does.

    Raises:
        ProjectError: With every problem of every file.
    """
    good, problems = read_named(folder, kind, settings, key)
    if problems:
        raise ProjectError.of(f"files in {kind}/ cannot be used", problems)
    return tuple(each.value for each in good)


def _wrong_name(document: Document, key: str, file: str) -> list[Problem]:
    name = str(document.value[key])
    stem, _, suffix = file.rpartition("/")[2].rpartition(".")
    if suffix != "yaml":
        return [document.problem(f"files here end in .yaml: rename it to {stem}.yaml")]
    if not is_token(name):
        return [document.problem(f"not a name for a {key}: {_NAME_RULE}", (key,))]
    if name != stem:
        text = f"the file is named {stem!r}, but {key} is {name!r}: make them the same"
        return [document.problem(text, (key,))]
    return []
