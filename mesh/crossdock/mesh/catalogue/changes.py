"""What changed between two versions of a contract, field by field, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from crossdock.mesh.catalogue.description import DescribedContract
from crossdock.mesh.catalogue.schema_fields import Field, fields_of


class FieldChange(msgspec.Struct, frozen=True):
    """One difference.

    Attributes:
        kind: Whether the field is new, gone, or another than before.
        path: The field.
        text: What about it, for people.
    """

    kind: Literal["added", "removed", "changed"]
    path: str
    text: str


class Step(msgspec.Struct, frozen=True):
    """From one version to the next.

    Attributes:
        older: The version before.
        newer: The version after.
        changes: What changed, in the order of the newer schema; what is gone last.
    """

    older: str
    newer: str
    changes: tuple[FieldChange, ...]


def steps_of(contract: DescribedContract) -> tuple[Step, ...]:
    """Return what each version changed, the newest first."""
    fields = [fields_of(each.contract.schema) for each in contract.versions]
    versions = [each.version for each in contract.versions]
    steps = [
        Step(versions[at - 1], versions[at], tuple(_between(fields[at - 1], fields[at])))
        for at in range(1, len(versions))
    ]
    return tuple(reversed(steps))


def _between(older: tuple[Field, ...], newer: tuple[Field, ...]) -> Iterator[FieldChange]:
    before = {each.path: each for each in older}
    after = {each.path: each for each in newer}
    for path, field in after.items():
        known = before.get(path)
        if known is None:
            yield FieldChange("added", path, f"{field.type}, {_needed(field)}")
        elif texts := list(_differences(known, field)):
            yield FieldChange("changed", path, "; ".join(texts))
    for path in before:
        if path not in after:
            yield FieldChange("removed", path, "is gone")


def _differences(older: Field, newer: Field) -> Iterator[str]:
    if older.type != newer.type:
        yield f"{older.type} → {newer.type}"
    if older.required != newer.required:
        yield f"now {_needed(newer)}"
    gone = [each for each in older.rules if each not in newer.rules]
    new = [each for each in newer.rules if each not in older.rules]
    if gone or new:
        yield f"{', '.join(gone) or 'no rule'} → {', '.join(new) or 'no rule'}"


def _needed(field: Field) -> str:
    return "required" if field.required else "optional"
