"""How commands are told which version of a contract is meant: a file, or NAME@VERSION."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from crossdock.contracts import Contract, ContractRef, Halt, Registry, Reject
from crossdock.contracts.reference import NAME

_UNNAMED = "unnamed.schema.file"
_NO_VERSION = "0.0.0"
_SUFFIX = ".schema.json"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a contract that was asked for.

    Attributes:
        label: What a person calls it.
        contract: The version; it compiles.
        in_project: Whether it is one of the project's.
    """

    label: str
    contract: Contract
    in_project: bool


def choose(text: str, project: Path, registry: Registry) -> Choice:
    """Return the version that is meant.

    Args:
        text: ``NAME@VERSION``, or the path of a schema.
        project: The project folder.
        registry: Its contracts.

    Raises:
        Halt: There is none, or it cannot be used; with what to do.
    """
    path = Path(text)
    found = _of_file(path, project, registry) if path.is_file() else _of_name(text, registry)
    found.contract.compile()
    return found


def _of_name(text: str, registry: Registry) -> Choice:
    try:
        contract = registry.resolve(ContractRef.parse(text))
    except (ValueError, Reject) as error:
        raise Halt(f"{text[:100]!r} is no file, and no version of a contract: {error}") from error
    label = f"{contract.name} {contract.version}"
    return Choice(label=label, contract=contract, in_project=True)


def _of_file(path: Path, project: Path, registry: Registry) -> Choice:
    """A schema of the project is read with the definitions that it refers to."""
    name, version = _named(path)
    if path.resolve().is_relative_to(project.resolve()) and version in registry.versions(name):
        return _of_name(f"{name}@{version}", registry)
    try:
        schema = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Halt(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(schema, dict):
        raise Halt(f"{path} is no schema: write a JSON object")
    return Choice(label=str(path), contract=Contract(name, version, schema), in_project=False)


def _named(path: Path) -> tuple[str, str]:
    """Read name and version off a path; a schema that lies elsewhere has neither."""
    name = ".".join(path.resolve().parts[-3:-1])
    version = path.name.removesuffix(_SUFFIX)
    try:
        known = NAME.match(name) and Contract(name, version, {})
    except ValueError:
        known = None
    return (name, version) if known else (_UNNAMED, _NO_VERSION)
