"""Which files of a project belong to a revision, and what each of them is."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from crossdock.mesh.watching import FOLDERS

TOP: Final = ("mesh.yaml", "clients.yaml")
SUFFIXES: Final = (".yaml", ".json", ".jsonata", ".md")
_STEPS: Final = "steps"
MAX_PATH: Final = 512
_MAX_DEPTH: Final = 8
_PART = re.compile(r"[A-Za-z0-9_@+=,-][A-Za-z0-9_@+=,. -]{0,126}\Z")  # no dot first, no separator
_SCHEMA: Final = ".schema.json"
_VERSION_DEPTH: Final = 4  # contracts/DOMAIN/ENTITY.EVENT/VERSION.schema.json


class Item(msgspec.Struct, frozen=True, order=True):
    """What a file is a part of.

    Attributes:
        kind: ``mesh``, ``clients``, ``contract``, ``definition``, or what its folder holds, as
            ``route`` and ``worker``.
        name: Its name: of a contract ``domain.entity.event``, of a route that of its file.
        version: Version of the contract, when the file is its schema.
        main: It is the file that defines it, and not one beside that.
    """

    kind: str
    name: str
    version: str = ""
    main: bool = True


def belongs(path: str) -> bool:
    """Tell whether a path, from the project folder and with ``/``, may be in a revision.

    What comes from the broker is not trusted: this is also what keeps a revision inside the folder
    that it is written to.
    """
    if path in TOP:
        return True
    parts = path.split("/")
    return (
        len(path) <= MAX_PATH
        and 1 < len(parts) <= _MAX_DEPTH
        and parts[0] in FOLDERS
        and all(_PART.match(each) for each in parts)
        and (parts[-1].endswith(SUFFIXES) or _is_code(parts))
    )


def _is_code(parts: list[str]) -> bool:
    """Code is taken only from where the router looks for it."""
    return len(parts) == 2 and parts[0] == _STEPS and parts[1].endswith(".py")  # noqa: PLR2004 - in the folder itself


def item_of(path: str) -> Item:
    """Return what a file that :func:`belongs` is a part of."""
    parts = path.split("/")
    stem, _, suffix = parts[-1].rpartition(".")
    if len(parts) == 1:
        return Item("clients" if parts[0] == "clients.yaml" else "mesh", stem)
    if parts[0] == "contracts":
        return _of_contract(parts)
    kind = "process" if parts[0] == "processes" else parts[0].removesuffix("s")
    return Item(kind, stem, main=len(parts) == 2 and suffix in ("yaml", "py"))  # noqa: PLR2004 - in the folder itself


def _of_contract(parts: list[str]) -> Item:
    if len(parts) < _VERSION_DEPTH or parts[1] == "definitions":
        return Item("definition", "/".join(parts[1:]))
    name = f"{parts[1]}.{parts[2]}"
    if len(parts) == _VERSION_DEPTH and parts[-1].endswith(_SCHEMA):
        return Item("contract", name, parts[-1].removesuffix(_SCHEMA))
    return Item("contract", name, main=False)
