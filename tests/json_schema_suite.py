"""The official test suite of JSON Schema, as contracts of a project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

SUITE: Final = Path(__file__).parents[1] / ".tools" / "json-schema-test-suite"
EXCEPTIONS: Final = Path(__file__).parent / "data" / "json_schema_exceptions.yaml"
_DRAFTS: Final = {
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
    "draft7": "http://json-schema.org/draft-07/schema#",
}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One group of the suite: a schema, and data that it must accept or refuse.

    Attributes:
        name: Name of the contract that it is made into.
        file: File of the suite, from the folder of its draft, without the suffix.
        group: What the group is about.
        schema: As the suite has it, with its draft.
        tests: Each with ``description``, ``data`` and ``valid``.
    """

    name: str
    file: str
    group: str
    schema: Any
    tests: list[dict[str, Any]]


class Refused(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Groups whose schema is refused as a contract; all groups of a file when none are named."""

    draft: str
    file: str
    reason: str
    groups: tuple[str, ...] = ()


class Stricter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tests whose data is refused though the suite accepts it, by the end of their description."""

    draft: str
    file: str
    ending: str
    reason: str


class Exceptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The written list."""

    refused: tuple[Refused, ...]
    stricter: tuple[Stricter, ...]


def exceptions() -> Exceptions:
    """Read the written list."""
    return msgspec.convert(yaml.safe_load(EXCEPTIONS.read_text()), Exceptions)


def cases(draft: str) -> list[Case]:
    """Return every group of a draft, the optional ones too.

    Raises:
        RuntimeError: The suite is not there; that is an error, never a skip.
    """
    folder = SUITE / "tests" / draft
    if not folder.is_dir():
        raise RuntimeError(f"{folder} is missing: run `python deploy/tools.py`")
    found = []
    for path in sorted(folder.rglob("*.json")):
        file = path.relative_to(folder).with_suffix("").as_posix()
        domain, _, stem = file.rpartition("/")
        for index, group in enumerate(json.loads(path.read_text())):
            schema = group["schema"]
            if isinstance(schema, dict):
                schema = {"$schema": _DRAFTS[draft], **schema}
            found.append(
                Case(
                    name=f"{domain.replace('/', '-') or 'required'}.{stem.lower()}.g{index}",
                    file=file,
                    group=group["description"],
                    schema=schema,
                    tests=group["tests"],
                )
            )
    return found


def write_as_contracts(folder: Path, suite: list[Case]) -> None:
    """Write each schema as a contract of a project."""
    for case in suite:
        domain, _, event = case.name.partition(".")
        place = folder / "contracts" / domain / event
        place.mkdir(parents=True)
        (place / "1.0.0.schema.json").write_text(json.dumps(case.schema))
