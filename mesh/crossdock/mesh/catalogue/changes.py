"""What changed between two versions of a contract, field by field, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import msgspec

from crossdock.contracts.compatibility import Difference, compare
from crossdock.mesh.catalogue.description import DescribedContract, DescribedVersion
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
        breaking: Differences of the schemas that are not proven to be safe, either way.
    """

    older: str
    newer: str
    changes: tuple[FieldChange, ...]
    breaking: tuple[Difference, ...] = ()


def steps_of(contract: DescribedContract) -> tuple[Step, ...]:
    """Return what each version changed, the newest first.

    Raises:
        Halt: A schema cannot be used.
    """
    for each in contract.versions:
        each.contract.compile()
    return tuple(reversed([_step(*pair) for pair in pairwise(contract.versions)]))


def _step(older: DescribedVersion, newer: DescribedVersion) -> Step:
    before, after = older.contract.schema, newer.contract.schema
    found = compare(before, after)
    return Step(
        older.version,
        newer.version,
        tuple(_between(fields_of(before), fields_of(after))),
        tuple(each for each in found if not (each.backward.safe and each.forward.safe)),
    )


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
