"""Contradictions in a schema, as far as its canonical form decides them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

import jsonschema_rs

from crossdock.contracts.errors import Problem
from crossdock.contracts.schema_parts import Part

_Schema = dict[str, Any]
_MOST_FORMS: Final = 12
_SHARED: Final = ("$schema", "$id", "$defs", "definitions")


def is_impossible(schema: _Schema) -> bool:
    """Tell whether it is certain that no data can fit a schema."""
    return _satisfiability(schema) is jsonschema_rs.canonical.Satisfiability.NO


def overlaps(root: _Schema, part: Part) -> Iterator[Problem]:
    """Find forms of a `oneOf` that some data fits at once: it is refused, which is seldom meant.

    Args:
        root: The whole schema, which references lead into.
        part: A part of it.
    """
    forms = part.schema.get("oneOf")
    if not isinstance(forms, list) or len(forms) > _MOST_FORMS:
        return
    shared: _Schema = {key: root[key] for key in _SHARED if key in root}
    around = {key: value for key, value in part.schema.items() if key != "oneOf"}
    for (first, one), (second, other) in combinations(enumerate(forms), 2):
        both: _Schema = {**around, **shared, "allOf": [*around.get("allOf", ()), one, other]}
        if _satisfiability(both) is jsonschema_rs.canonical.Satisfiability.YES:
            message = (
                f"data may fit the forms {first + 1} and {second + 1} at once, and is refused "
                "then: make them differ in a const, or use anyOf"
            )
            yield Problem(message=message, pointer=f"{part.pointer}/oneOf", keyword="overlap")
            return


def _satisfiability(schema: _Schema) -> jsonschema_rs.canonical.Satisfiability | None:
    """Return the verdict, None when the schema has no canonical form."""
    try:
        return jsonschema_rs.canonicalize(
            schema, validate_formats=True, offline=True
        ).satisfiability()
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        return None
