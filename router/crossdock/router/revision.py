"""A route as it was: kept once, so that what it decided can be explained after it has changed.

A decision record names the revision of its route. What belongs to the name is the route file with
the ``.jsonata`` files that it uses; contracts are named only, for their versions do not change.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from crossdock.contracts import Contract, CrossdockError, Registry, keyed_id
from crossdock.mesh.bus import Bus
from crossdock.mesh.expression_file import SUFFIX
from crossdock.mesh.kept import Kept
from crossdock.mesh.project.loading import load_named
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.python_steps.frames import Described
from crossdock.router.route_file import RouteFile
from crossdock.router.step_file import called, functions

_log = logging.getLogger("crossdock.router")

_MAX_BYTES: Final = 128 * 1024**2
_DIGITS: Final = 16
_FOLDER: Final = "routes"


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One state of a route.

    Attributes:
        files: The route file and the ``.jsonata`` files that it uses, by name.
        contracts: A digest of each contract that it accepts, by ``dataschema``.
        functions: The Python steps that it uses, by name.
    """

    files: dict[str, str]
    contracts: dict[str, str]
    functions: dict[str, Described] = {}

    @property
    def name(self) -> str:
        """What records call it: a digest of all that it is."""
        return keyed_id(msgspec.json.encode(self, order="sorted").decode())[:_DIGITS]


def revision_of(
    file: RouteFile, folder: Path, route: CompiledRoute, known: Mapping[str, Described]
) -> Revision:
    """Return the revision of a compiled route.

    Args:
        file: The route as written.
        folder: Where it and its ``.jsonata`` files are.
        route: What was compiled from it.
        known: The Python steps of the project.
    """
    files = files_of(file, f"{file.route}.yaml", folder)
    contracts = {each.dataschema: digest(each) for each in route.accepted.values()}
    used = {name: known[name] for name in functions(file.steps)}
    return Revision(files=files, contracts=contracts, functions=used)


def files_of(file: object, name: str, folder: Path) -> dict[str, str]:
    """Return the text of a project file and of the ``.jsonata`` files that it uses, by name.

    Args:
        file: The file as read.
        name: Its name.
        folder: Where it is.
    """
    names = {each for each in _strings(file) if _is_file(each)}
    return {each: _read(folder / each) for each in sorted({name, *names})}


def write_files(files: Mapping[str, str], folder: Path) -> None:
    """Write what was kept of a revision into a folder; what lies outside of it is left out."""
    for name, text in files.items():
        path = (folder / name).resolve()
        if path.is_relative_to(folder):  # what is kept came through the broker
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def rebuild(revision: Revision, registry: Registry, *, mesh: str) -> CompiledRoute:
    """Compile a route as it was, with the contracts as they are.

    Raises:
        Halt: It cannot be compiled any more: a contract is gone, for example.
    """
    with tempfile.TemporaryDirectory(prefix="crossdock-route-") as name:
        folder = (Path(name) / _FOLDER).resolve()
        write_files(revision.files, folder)
        (route,) = load_named(Path(name), _FOLDER, RouteFile, "route")
        return compile_route(
            route,
            registry,
            folder,
            mesh=mesh,
            calls=set(called(route.steps)),
            functions=revision.functions,
        )


def digest(contract: Contract) -> str:
    """Return what tells a contract from one of the same name and version with other content."""
    return keyed_id(msgspec.json.encode(contract.schema).decode())[:_DIGITS]


class Revisions:
    """The revisions that a mesh remembers."""

    def __init__(self, bus: Bus) -> None:
        """Remember where they are kept."""
        self._kept = Kept(bus, "route-revisions", max_bytes=_MAX_BYTES)

    async def keep(self, route: str, revision: Revision) -> None:
        """Keep a revision, if it is not there yet.

        That it cannot be kept stops no message: an explanation shows the present route then.
        """
        key = f"{route}.{revision.name}"
        try:
            if await self._kept.get(key) is None:
                await self._kept.put(key, msgspec.json.encode(revision))
        except CrossdockError as error:
            _log.warning("revision not kept", extra={"route": route, "why": error.reason})

    async def find(self, route: str, name: str) -> Revision | None:
        """Return a revision, None when it was never kept.

        Raises:
            Disconnected: The broker does not answer.
        """
        found = await self._kept.get(f"{route}.{name}")
        return None if found is None else msgspec.json.decode(found, type=Revision)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _strings(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _strings(each)


def _is_file(text: str) -> bool:
    return text.endswith(SUFFIX) and "\n" not in text


def _read(path: Path) -> str:
    """Return a file that was read a moment ago; nothing when it has gone meanwhile."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
