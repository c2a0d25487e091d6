"""Contracts of a project on disk.

contracts/sales/order.placed/1.0.0.schema.json      one file a version
contracts/sales/order.placed/2.0.0.schema.json
contracts/sales/order.placed/examples/german.json   valid under the highest version
contracts/sales/order.placed/examples/no-id.invalid.json    must be refused by it
contracts/sales/order.placed/examples/1.0.0/old.json        of another version
contracts/definitions/address.json                  parts that schemas share by $ref
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from semantic_version import Version

from crossdock.contracts import Contract, Halt, Problem, Registry
from crossdock.contracts.reference import NAME
from crossdock.mesh.project.document import Document, parse, read_bytes
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.schema_references import embed

FOLDER: Final = "contracts"
_DEFINITIONS: Final = "definitions"
_EXAMPLES: Final = "examples"
_SUFFIX: Final = ".schema.json"
_INVALID: Final = ".invalid.json"
_MAX_BYTES: Final = 1024 * 1024
_FOREIGN_REF = re.compile(rb'"\$ref"\s*:\s*"[^#]')

_decode = msgspec.json.Decoder().decode


class ContractFile(msgspec.Struct, frozen=True, kw_only=True):
    """A contract's version and where it is written.

    Attributes:
        contract: The contract, with shared definitions embedded.
        file: Its path from the project folder.
    """

    contract: Contract
    file: str


def load_contracts(folder: Path) -> Registry:
    """Read every contract of a project; each compiles when it is first used.

    Args:
        folder: The project folder.

    Raises:
        ProjectError: With every problem of every schema.
    """
    files, problems = read_contracts(folder)
    if problems:
        raise ProjectError.of("contracts cannot be used", problems)
    return Registry(each.contract for each in files)


def read_contracts(folder: Path) -> tuple[list[ContractFile], list[Problem]]:
    """Read every contract of a project.

    Returns:
        The contracts that are right in themselves, and the problems of the others.
    """
    good: list[ContractFile] = []
    problems: list[Problem] = []
    for name, file in _schema_files(folder, problems):
        try:
            good.append(_read_contract(folder, name, file))
        except ProjectError as error:
            problems += error.problems
    return good, problems


def stand_ins(folder: Path, files: list[ContractFile]) -> Iterator[Contract]:
    """Return a contract that accepts everything for each version whose file cannot be used.

    So a check tells that the file is wrong, and not that everything that refers to it is.
    """
    usable = {each.file for each in files}
    for name, file in _schema_files(folder, []):
        version = file.rpartition("/")[2].removesuffix(_SUFFIX)
        if file not in usable and file.endswith(_SUFFIX) and _is_version(version):
            yield Contract(name, version, {})


def deep_problems(folder: Path, files: list[ContractFile]) -> list[Problem]:
    """Do what takes longer: compile each schema, and check the examples beside it.

    An example must be accepted, or refused when its name ends in ``.invalid.json``.
    """
    versions: dict[str, dict[str, ContractFile]] = {}
    problems: list[Problem] = []
    for each in files:
        try:
            each.contract.compile()
        except Halt as error:
            problems += [_located(folder, each.file, problem) for problem in error.problems]
        else:
            versions.setdefault(each.file.rpartition("/")[0], {})[each.contract.version] = each
    for place, found in versions.items():
        highest = found[max(found, key=Version)]
        problems += _examples_in(folder, f"{place}/{_EXAMPLES}", highest.contract)
        for version, each in found.items():
            problems += _examples_in(folder, f"{place}/{_EXAMPLES}/{version}", each.contract)
    return problems


def _schema_files(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """Walk the three levels; ``os.scandir`` because there may be thousands."""
    for domain in _entries(folder, FOLDER):
        if domain == _DEFINITIONS:
            continue
        for event in _entries(folder, f"{FOLDER}/{domain}"):
            place, name = f"{FOLDER}/{domain}/{event}", f"{domain}.{event}"
            if not NAME.match(name):
                message = "not a place for a contract: it is contracts/DOMAIN/ENTITY.EVENT/"
                problems.append(Problem(message=message, place=f"{place}:1"))
                continue
            for file in _entries(folder, place):
                if file != _EXAMPLES:
                    yield name, f"{place}/{file}"


def _entries(folder: Path, place: str) -> list[str]:
    try:
        with os.scandir(folder / place) as entries:
            return sorted(each.name for each in entries if not each.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read_contract(folder: Path, name: str, file: str) -> ContractFile:
    version = file.rpartition("/")[2].removesuffix(_SUFFIX)
    if not file.endswith(_SUFFIX) or not _is_version(version):
        raise _refusal(file, f"not the name of a schema: write VERSION{_SUFFIX}, as in 1.0.0")
    data = read_bytes(folder, file, _MAX_BYTES)
    schema = _object(data, file)
    if _FOREIGN_REF.search(data):  # the walk is slow, and most schemas have none
        try:
            schema = embed(schema, file, lambda target: _read_object(folder, target))
        except ValueError as error:
            raise _refusal(file, str(error)) from error
    contract = Contract(name, version, schema)
    try:
        contract.check()
    except Halt as error:
        problems = [_located(folder, file, each) for each in error.problems]
        raise ProjectError.of(f"{file} cannot be used", problems) from error
    return ContractFile(contract=contract, file=file)


def _read_object(folder: Path, file: str) -> dict[str, Any]:
    return _object(read_bytes(folder, file, _MAX_BYTES), file)


def _object(data: bytes, file: str) -> dict[str, Any]:
    value = _json(data, file)
    if not isinstance(value, dict):
        raise _refusal(file, "a schema is a JSON object: write one")
    return value


def _json(data: bytes, file: str) -> Any:  # noqa: ANN401 - JSON is untyped
    try:
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _refusal(
            file, "not JSON that we accept: correct it here", _json_line(data)
        ) from error


def _json_line(data: bytes) -> int:
    """Find the line of the first error: the fast decoder tells none."""
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return error.lineno
    except (ValueError, RecursionError):
        return 1
    return 1


def _located(folder: Path, file: str, problem: Problem) -> Problem:
    """Give a problem of a schema its line. JSON is YAML, and only our YAML reader knows lines."""
    try:
        document = parse(read_bytes(folder, file, _MAX_BYTES), file)
    except ProjectError:
        document = Document(file=file, value=None, lines={})
    place = document.place(document.path_of(problem.pointer))
    return msgspec.structs.replace(problem, place=place)


def _examples_in(folder: Path, place: str, contract: Contract) -> Iterator[Problem]:
    for name in _entries(folder, place):
        file = f"{place}/{name}"
        if not name.endswith(".json"):
            continue
        try:
            value = _json(read_bytes(folder, file, _MAX_BYTES), file)
        except ProjectError as error:
            yield from error.problems
            continue
        found = contract.problems(value)
        if name.endswith(_INVALID) and not found:
            message = f"{contract.name} {contract.version} accepts it, but its name says invalid"
            yield Problem(
                message=f"{message}: correct the example or the schema", place=f"{file}:1"
            )
        elif not name.endswith(_INVALID):
            yield from (_located(folder, file, each) for each in found)


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except ValueError:
        return False
    return True


def _refusal(file: str, message: str, line: int = 1) -> ProjectError:
    problem = Problem(message=message, place=f"{file}:{line}")
    return ProjectError.of("a contract cannot be used", [problem])
