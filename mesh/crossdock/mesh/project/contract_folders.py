"""Finds the contracts of a project on disk; ``os.scandir``, because there may be thousands.

contracts/sales/order.placed/1.0.0.schema.json      one file a version
contracts/sales/order.placed/2.0.0.schema.json
contracts/sales/order.placed/contract.yaml          what is said of all versions
contracts/sales/order.placed/examples/german.json   valid under the highest version
contracts/sales/order.placed/examples/no-id.invalid.json    must be refused by it
contracts/sales/order.placed/examples/1.0.0/old.json        of another version
contracts/definitions/address.json                  parts that schemas share by $ref
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from crossdock.contracts import Problem
from crossdock.contracts.reference import NAME

FOLDER: Final = "contracts"
EXAMPLES: Final = "examples"
ABOUT: Final = "contract.yaml"
_DEFINITIONS: Final = "definitions"


class ContractFolder(msgspec.Struct, frozen=True):
    """Where a contract is written.

    Attributes:
        name: The contract's.
        place: Its path from the project folder.
        files: Names of what is in it, sorted, without the examples.
    """

    name: str
    place: str
    files: tuple[str, ...]

    @property
    def schemas(self) -> Iterator[str]:
        """Paths of what should be schemas, from the project folder."""
        return (f"{self.place}/{each}" for each in self.files if each != ABOUT)

    @property
    def about(self) -> str | None:
        """Path of ``contract.yaml``, or None when there is none."""
        return f"{self.place}/{ABOUT}" if ABOUT in self.files else None


def contract_folders(folder: Path, problems: list[Problem]) -> Iterator[ContractFolder]:
    """Yield the folder of each contract, by name.

    Args:
        folder: The project folder.
        problems: Gets one for each folder that cannot be a contract's.
    """
    for domain in entries(folder, FOLDER):
        if domain == _DEFINITIONS:
            continue
        for event in entries(folder, f"{FOLDER}/{domain}"):
            place, name = f"{FOLDER}/{domain}/{event}", f"{domain}.{event}"
            if not NAME.match(name):
                message = "not a place for a contract: it is contracts/DOMAIN/ENTITY.EVENT/"
                problems.append(Problem(message=message, place=f"{place}:1"))
                continue
            files = tuple(each for each in entries(folder, place) if each != EXAMPLES)
            yield ContractFolder(name, place, files)


def entries(folder: Path, place: str) -> list[str]:
    """Return the names in a folder of the project, sorted; none when it is not there."""
    try:
        with os.scandir(folder / place) as found:
            return sorted(each.name for each in found if not each.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
