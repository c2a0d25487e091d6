"""The keywords of JSON Schema, draft 2020-12 with those of draft-07, and which type each is of."""

from __future__ import annotations

from typing import Final

OF_TYPE: Final[dict[str, frozenset[str]]] = {
    "string": frozenset(
        {"minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"}
    ),
    "number": frozenset(
        {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    ),
    "array": frozenset(
        {"items", "prefixItems", "additionalItems", "unevaluatedItems", "contains"}
        | {"minItems", "maxItems", "uniqueItems", "minContains", "maxContains"}
    ),
    "object": frozenset(
        {"properties", "patternProperties", "additionalProperties", "unevaluatedProperties"}
        | {"required", "minProperties", "maxProperties", "propertyNames"}
        | {"dependentRequired", "dependentSchemas", "dependencies"}
    ),
}
KNOWN: Final = frozenset(
    {"type", "enum", "const", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"}
    | {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
    | {"contentSchema", "definitions"}
    | {"$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$defs"}
    | {"$comment", "$vocabulary"}
).union(*OF_TYPE.values())
