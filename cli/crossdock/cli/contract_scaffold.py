"""What ``crossdock contract new`` writes: a contract that passes its own check at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from semantic_version import Version

from crossdock.contracts import ContractRef, Problem
from crossdock.contracts.contract import DEFAULT_DRAFT, Contract
from crossdock.contracts.inferring import inferred
from crossdock.contracts.reference import NAME
from crossdock.mesh.project.contract_files import MAX_BYTES, SUFFIX, json_value, load_contracts
from crossdock.mesh.project.contract_folders import ABOUT, EXAMPLES, FOLDER

_FIRST: Final = "1.0.0"
_LONGEST: Final = 60
_ANYTHING: Final = Contract("any.thing.sent", _FIRST, {})  # knows how deep data may be
_ID: Final = {"type": "string", "description": "What it is called everywhere", "minLength": 1}


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A contract's version that is to be written.

    Attributes:
        name: Of the contract.
        version: The new one.
        files: Text of each file, by its path from the project folder.
    """

    name: str
    version: str
    files: dict[str, str]


def scaffold(
    project: Path, name: str, version: str | None, samples: Sequence[Path], owner: str
) -> Made:
    """Make the files of a new contract, or of a new version of one that is there.

    Args:
        project: The project folder.
        name: Of the contract.
        version: Of it; None for the one that follows.
        samples: JSON documents to make the schema from.
        owner: Who answers for the contract.

    Raises:
        ValueError: With a text for the person who asked.
        ProjectError: The contracts of the project, or a sample, cannot be read.
    """
    if not NAME.match(name):
        ContractRef.parse(name)  # its ValueError says what to write
        raise ValueError(f"{name[:80]!r} is not a contract name: leave the version to --version")
    registry = load_contracts(project)
    known = registry.versions(name)
    chosen = version or (str(Version(known[-1]).next_minor()) if known else _FIRST)
    domain, _, event = name.partition(".")
    place = f"{FOLDER}/{domain}/{event}"
    title = event.replace(".", " ").replace("_", " ").replace("-", " ").capitalize()
    documents = _documents(samples)
    if documents:
        schema = inferred(list(documents.values()), title)
    elif known:
        schema = _written(project, f"{place}/{known[-1]}{SUFFIX}")
    else:
        schema, documents = _template(title), {"small": {"id": "1"}}
    contract = Contract(name, str(Version(chosen)), schema)  # its ValueError names the version
    contract.compile()
    files = {f"{place}/{contract.version}{SUFFIX}": _text(schema)}
    for stem, document in documents.items():
        files[f"{place}/{EXAMPLES}/{stem}.json"] = _text(document)
    if not known:
        files |= _beside(place, title, owner, contract, documents)
    return Made(name=name, version=contract.version, files=files)


def write_files(project: Path, files: dict[str, str]) -> None:
    """Write files into a project.

    Raises:
        ValueError: One is there already; then nothing is written.
    """
    there = [file for file in files if (project / file).exists()]
    if there:
        raise ValueError(f"{', '.join(there)}: there already, nothing was written")
    for file, text in files.items():
        path = project / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _documents(samples: Sequence[Path]) -> dict[str, Any]:
    """Read documents, each under the name that it gets as an example."""
    documents: dict[str, Any] = {}
    for path in samples:
        data = _bytes(path)
        value = json_value(data, str(path))
        if problems := _ANYTHING.decode(data)[1]:
            raise ValueError(f"{path}: {problems[0].message}")
        name = first = _slug(path.name.partition(".")[0])
        for number in count(2):
            if name not in documents:
                break
            name = f"{first}-{number}"
        documents[name] = value
    return documents


def _slug(text: str) -> str:
    """Make a name of any text that can be that of a file."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST] or "sample"


def _beside(
    place: str, title: str, owner: str, contract: Contract, documents: dict[str, Any]
) -> dict[str, str]:
    """Make what is said of a new contract, with an example of what it refuses."""
    about: dict[str, Any] = {"title": title, "owner": owner or "TODO: a team or an address"}
    about["description"] = f"TODO: when {title.lower()} is sent, and what it means."
    about["compatibility"] = "backward"
    files = {}
    for name, value in _refused(documents):
        problem = next(iter(contract.problems(value)), None)
        if problem is not None:
            about["invalid"] = {name: _pair(problem)}
            files[f"{place}/{EXAMPLES}/{name}.invalid.json"] = _text(value)
            break
    text = yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=100)
    return {f"{place}/{ABOUT}": text, **files}


def _refused(documents: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return candidates for what a contract refuses: without one of its members, or a null."""
    first = next(iter(documents.values()), None)
    if not isinstance(first, dict):
        return [("null", None)]
    return [
        (f"no-{_slug(name)}", {key: each for key, each in first.items() if key != name})
        for name in first
    ]


def _pair(problem: Problem) -> dict[str, str]:
    return {"pointer": problem.pointer, "keyword": problem.keyword}


def _template(title: str) -> dict[str, Any]:
    return {
        "$schema": DEFAULT_DRAFT,
        "title": title,
        "type": "object",
        "required": ["id"],
        "properties": {"id": _ID},
        "additionalProperties": False,
    }


def _written(project: Path, file: str) -> Any:  # noqa: ANN401 - JSON is untyped
    return json_value(_bytes(project / file), file)


def _bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path}: larger than {MAX_BYTES} bytes")
    return data


def _text(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
