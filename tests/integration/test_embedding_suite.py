"""The official test suite of JSON Schema, with each schema inside another document."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from crossdock.mesh.catalogue.draft_7 import modern
from crossdock.mesh.catalogue.embedding import embedded
from json_schema_suite import cases

_VALIDATORS: dict[str, Any] = {
    "draft2020-12": jsonschema_rs.Draft202012Validator,
    "draft7": jsonschema_rs.Draft7Validator,
}
_AT = "#/$defs/x"


@pytest.mark.parametrize("draft", _VALIDATORS)
def test_a_schema_means_inside_what_it_means_alone(draft: str) -> None:
    tried = 0
    different = []
    for case in cases(draft):
        alone = _compiled(_VALIDATORS[draft], case.schema)
        if alone is None or not isinstance(case.schema, dict):
            continue  # no contract can be that
        schema = modern(case.schema)
        if "json-schema.org/draft-07" in str(schema):
            continue  # it refers into what would move, or to the draft's own schema: it stays old
        if case.file == "optional/content":
            continue  # draft 2020-12 has no way to ask that the content of a text be checked
        inside = embedded(schema, _AT, "crossdock:a.b.c/1.0.0")
        around = {"$ref": _AT, "$defs": {"x": inside}}
        together = _compiled(_VALIDATORS["draft2020-12"], around)
        assert together is not None, case.group
        for test in case.tests:
            tried += 1
            if together.is_valid(test["data"]) != alone.is_valid(test["data"]):
                different.append(f"{case.file}: {case.group}: {test['description']}")
    assert different == []
    assert tried > 800


def _compiled(validator: Any, schema: object) -> jsonschema_rs.Validator | None:  # noqa: ANN401 - a class of either draft
    try:
        made: jsonschema_rs.Validator = validator(schema, offline=True, validate_formats=True)
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return None
    return made
