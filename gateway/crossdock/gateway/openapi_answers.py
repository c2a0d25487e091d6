"""Every refusal as OpenAPI shows it: from the table that the gateway answers from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from crossdock.gateway.problems import KINDS
from crossdock.mesh.project.settings import GatewaySettings

Json = dict[str, Any]
_TEXT: Final[Json] = {"type": "string"}


def answers(statuses: Iterable[int]) -> Json:
    """Return an operation's refusals, by status."""
    return {str(each): {"$ref": f"#/components/responses/{each}"} for each in statuses}


def problem_answers(settings: GatewaySettings) -> Json:
    """Return every refusal that the document's operations refer to, by status."""
    more = {413: f" At most {settings.largest_body} bytes are accepted."}
    titles: dict[int, list[str]] = {}
    for status, title in KINDS.values():
        titles.setdefault(status, []).append(title)
    return {
        str(status): {
            "description": f"{'. '.join(found)}.{more.get(status, '')}",
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status, found in titles.items()
    }


_HEADERS: Final[dict[int, Json]] = {
    401: {"WWW-Authenticate": {"schema": _TEXT}},
    503: {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
}

# With errors the document is the "basic" output of JSON Schema 2020-12 (12.4.2), too.
_OUTPUT_UNIT: Final[Json] = {
    "valid": {"const": False},
    "instanceLocation": {**_TEXT, "format": "json-pointer"},
    "keywordLocation": {**_TEXT, "format": "json-pointer"},
    "absoluteKeywordLocation": {**_TEXT, "format": "uri"},
    "error": _TEXT,
}
PROBLEM: Final[Json] = {
    "description": "RFC 9457 problem details. Holds no value of the data.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"enum": [f"urn:crossdock:problem:{kind}" for kind in KINDS]},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {**_TEXT, "description": "What is wrong with this request and what to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "keyword", "message"],
                "properties": {
                    "pointer": {**_TEXT, "description": "JSON Pointer into what was sent."},
                    "keyword": {**_TEXT, "description": "What it breaks there."},
                    "message": _TEXT,
                    **_OUTPUT_UNIT,
                },
            },
        },
        **_OUTPUT_UNIT,
    },
}
