"""A route as it was: kept once, so that what it decided can be explained after it has changed.

A decision record names the revision of its route. What belongs to the name is the route file with
the ``.jsonata`` files that it uses; contracts are named only, for their versions do not change.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from crossdock.contracts import Contract, Disconnected, Registry, keyed_id
from crossdock.mesh.bus import Bus
from crossdock.mesh.expression_file import SUFFIX
from crossdock.mesh.kept import Kept
from crossdock.mesh.project.conversion import scalar
from crossdock.mesh.project.scalars import Duration, Size
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.route_file import RouteFile

_log = logging.getLogger("crossdock.router")

_MAX_BYTES: Final = 128 * 1024**2
_MAX_VALUE: Final = 512 * 1024
_DIGITS: Final = 16


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One state of a route.

    Attributes:
        route: The route file.
        texts: The ``.jsonata`` files that it uses, by name.
        contracts: A digest of each contract that it accepts, by ``dataschema``.
    """

    route: dict[str, Any]
    texts: dict[str, str]
    contracts: dict[str, str]

    @property
    def name(self) -> str:
        """What records call it: a digest of all that it is."""
        return keyed_id(msgspec.json.encode(self, order="sorted").decode())[:_DIGITS]


def revision_of(file: RouteFile, folder: Path, route: CompiledRoute) -> Revision:
    """Return the revision of a compiled route.

    Args:
        file: The route as written.
        folder: Where its ``.jsonata`` files are.
        route: What was compiled from it.
    """
    written: dict[str, Any] = msgspec.to_builtins(file, enc_hook=_as_written)
    names = sorted({each for each in _strings(written) if _is_file(each)})
    texts = {each: _read(folder / each) for each in names}
    contracts = {each.dataschema: digest(each) for each in route.accepted.values()}
    return Revision(route=written, texts=texts, contracts=contracts)


def rebuild(revision: Revision, registry: Registry, *, mesh: str) -> CompiledRoute:
    """Compile a route as it was, with the contracts as they are.

    Raises:
        Halt: It cannot be compiled any more: a contract is gone, for example.
    """
    file = msgspec.convert(revision.route, RouteFile, dec_hook=scalar)
    with tempfile.TemporaryDirectory(prefix="crossdock-route-") as name:
        folder = Path(name).resolve()
        for text_name, text in revision.texts.items():
            path = (folder / text_name).resolve()
            if path.is_relative_to(folder):  # what is kept came through the broker
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        return compile_route(file, registry, folder, mesh=mesh)


def digest(contract: Contract) -> str:
    """Return what tells a contract from one of the same name and version with other content."""
    return keyed_id(msgspec.json.encode(contract.schema).decode())[:_DIGITS]


class Revisions:
    """The revisions that a mesh remembers."""

    def __init__(self, bus: Bus) -> None:
        """Remember where they are kept."""
        self._kept = Kept(bus, "revisions", max_bytes=_MAX_BYTES, max_value=_MAX_VALUE)

    async def keep(self, route: str, revision: Revision) -> None:
        """Keep a revision, if it is not there yet.

        That it cannot be kept stops no message: an explanation shows the present route then.
        """
        key = f"{route}.{revision.name}"
        try:
            if await self._kept.get(key) is None:
                await self._kept.put(key, msgspec.json.encode(revision))
        except Disconnected as error:
            _log.warning("revision not kept", extra={"route": route, "why": error.reason})

    async def find(self, route: str, name: str) -> Revision | None:
        """Return a revision, None when it was never kept.

        Raises:
            Disconnected: The broker does not answer.
        """
        found = await self._kept.get(f"{route}.{name}")
        return None if found is None else msgspec.json.decode(found, type=Revision)


def _as_written(value: object) -> str:
    """Return a scalar of project files as a person would write it."""
    if isinstance(value, Duration):
        return f"{float(value):.6f}s"
    if isinstance(value, Size):
        return f"{int(value)}B"
    raise NotImplementedError(type(value))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
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
