"""Reads the schemas of a project's contracts, one file a version."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from semantic_version import Version

from crossdock.contracts import Contract, Halt, Problem, Registry
from crossdock.mesh.project.contract_abouts import abouts_in
from crossdock.mesh.project.contract_folders import ContractFolder, contract_folders
from crossdock.mesh.project.document import Document, parse, read_bytes
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.reading import FileReader
from crossdock.mesh.project.schema_references import embed

SUFFIX: Final = ".schema.json"
MAX_BYTES: Final = 1024 * 1024
_FOREIGN_REF = re.compile(rb'"\$(?:dynamicR|r)ef"\s*:\s*"[^#]')

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
        ProjectError: With every problem of every schema and ``contract.yaml``.
    """
    problems: list[Problem] = []
    reader = FileReader(folder)
    places = list(contract_folders(folder, problems))
    files, wrong = _contracts_in(places, reader)
    problems += wrong
    abouts = {name: each.value for name, each in abouts_in(places, reader, problems)}
    if problems:
        raise ProjectError.of("contracts cannot be used", problems)
    return Registry((each.contract for each in files), abouts)


def read_contracts(folder: Path) -> tuple[list[ContractFile], list[Problem]]:
    """Read every version of every contract of a project.

    Returns:
        The contracts that are right in themselves, and the problems of the others.
    """
    problems: list[Problem] = []
    places = list(contract_folders(folder, problems))
    good, wrong = _contracts_in(places, FileReader(folder))
    return good, problems + wrong


def stand_ins(folder: Path, files: list[ContractFile]) -> Iterator[Contract]:
    """Return a contract that accepts everything for each version whose file cannot be used.

    So a check tells that the file is wrong, and not that everything that refers to it is.
    """
    usable = {each.file for each in files}
    for place in contract_folders(folder, []):
        for file in place.schemas:
            version = file.rpartition("/")[2].removesuffix(SUFFIX)
            if file not in usable and file.endswith(SUFFIX) and _is_version(version):
                yield Contract(place.name, version, {})


def json_value(data: bytes, file: str) -> Any:  # noqa: ANN401 - JSON is untyped
    """Return what a JSON file holds.

    Raises:
        ProjectError: With the line of the first error.
    """
    try:
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _refusal(
            file, "not JSON that we accept: correct it here", _json_line(data)
        ) from error


def located(folder: Path, file: str, problem: Problem) -> Problem:
    """Give a problem of a schema its line. JSON is YAML, and only our YAML reader knows lines."""
    try:
        document = parse(read_bytes(folder, file, MAX_BYTES), file)
    except ProjectError:
        document = Document(file=file, value=None, lines={})
    place = document.place(document.path_of(problem.pointer))
    return msgspec.structs.replace(problem, place=place)


def _contracts_in(
    places: Iterable[ContractFolder], reader: FileReader
) -> tuple[list[ContractFile], list[Problem]]:
    good: list[ContractFile] = []
    problems: list[Problem] = []
    for place in places:
        for file in place.schemas:
            try:
                good.append(_read_contract(reader, place.name, file))
            except ProjectError as error:
                problems += error.problems
    return good, problems


def _read_contract(reader: FileReader, name: str, file: str) -> ContractFile:
    version = file.rpartition("/")[2].removesuffix(SUFFIX)
    if not file.endswith(SUFFIX) or not _is_version(version):
        raise _refusal(file, f"not the name of a schema: write VERSION{SUFFIX}, as in 1.0.0")
    data = reader.read(file, MAX_BYTES)
    schema = _object(data, file)
    if _FOREIGN_REF.search(data):  # the walk is slow, and most schemas have none
        try:
            schema = embed(schema, file, lambda target: _read_object(reader, target))
        except ValueError as error:
            raise _refusal(file, str(error)) from error
    contract = Contract(name, version, schema)
    try:
        contract.check()
    except Halt as error:
        problems = [located(reader.folder, file, each) for each in error.problems]
        raise ProjectError.of(f"{file} cannot be used", problems) from error
    return ContractFile(contract=contract, file=file)


def _read_object(reader: FileReader, file: str) -> dict[str, Any]:
    return _object(reader.read(file, MAX_BYTES), file)


def _object(data: bytes, file: str) -> dict[str, Any]:
    value = json_value(data, file)
    if not isinstance(value, dict):
        raise _refusal(file, "a schema is a JSON object: write one")
    return value


def _json_line(data: bytes) -> int:
    """Find the line of the first error: the fast decoder tells none."""
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return error.lineno
    except (ValueError, RecursionError):
        return 1
    return 1


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except ValueError:
        return False
    return True


def _refusal(file: str, message: str, line: int = 1) -> ProjectError:
    problem = Problem(message=message, place=f"{file}:{line}")
    return ProjectError.of("a contract cannot be used", [problem])
