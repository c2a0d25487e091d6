"""``POST /v1/events`` as OpenAPI shows it: CloudEvents 1.0 in its three content modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from crossdock.gateway.cloudevents import BATCHED, STRUCTURED
from crossdock.gateway.event_attributes import MAX_LENGTH
from crossdock.gateway.openapi_answers import answers
from crossdock.mesh.catalogue.description import DescribedContract
from crossdock.mesh.project.settings import GatewaySettings

Json = dict[str, Any]
_EVENT: Final = {"$ref": "#/components/schemas/CloudEvent"}
_TAKEN: Final = (400, 401, 403, 404, 408, 413, 415, 503)
_TEXT: Final[Json] = {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH}
_ATTRIBUTES: Final[dict[str, Json]] = {
    "specversion": {"const": "1.0"},
    "id": {**_TEXT, "description": "With `source` the identity: a repeat is the same event."},
    "source": {**_TEXT, "format": "uri-reference"},
    "subject": _TEXT,
    "time": {"type": "string", "format": "date-time"},
    "dataschema": {
        "type": "string",
        "pattern": "^crossdock:",
        "description": "Contract and version, crossdock:NAME/VERSION; without it the highest.",
    },
}
_REQUIRED: Final = ("id", "source", "specversion", "type")


def post_events(contracts: Sequence[DescribedContract], settings: GatewaySettings) -> Json:
    """Return the operation that takes events of these contracts."""
    batch = {"type": "array", "maxItems": settings.max_batch, "items": _EVENT}
    structured: Json = {"schema": _EVENT}
    if examples := _examples(contracts):
        structured["examples"] = examples
    return {
        "tags": ["events"],
        "operationId": "send events",
        "summary": "Send CloudEvents",
        "description": (
            "Structured, batched, or binary: then the body is the data, and `ce-` headers say the "
            "rest. A batch is taken whole or not at all."
        ),
        "parameters": [_header(name, contracts) for name in ("type", *_ATTRIBUTES)],
        "requestBody": {
            "required": True,
            "content": {
                STRUCTURED: structured,
                BATCHED: {"schema": batch},
                "application/json": {"schema": True},
            },
        },
        "responses": {"202": {"$ref": "#/components/responses/events"}, **answers(_TAKEN)},
    }


def event_schemas(schemas: Mapping[str, str]) -> Json:
    """Return what an event of these contracts is.

    Args:
        schemas: Reference to the schema of each contract, by name.
    """
    one_of = [
        {"properties": {"type": {"const": name}, "data": {"$ref": reference}}}
        for name, reference in schemas.items()
    ]
    return {
        "CloudEvent": {
            "description": "CloudEvents 1.0. Further attributes are strings, integers or booleans.",
            "type": "object",
            "required": [*_REQUIRED],
            "properties": {
                **_ATTRIBUTES,
                "type": {"enum": [*schemas], "description": "Name of the contract."},
                "datacontenttype": {"type": "string"},
                "data_base64": {"type": "string", "contentEncoding": "base64"},
            },
            "oneOf": one_of,
        }
    }


def events_answer() -> Json:
    """Return the answer to events that are on disk."""
    accepted = {"$ref": "#/components/schemas/Accepted"}
    told = {
        "allOf": [accepted],
        "required": ["location"],
        "properties": {"location": {"type": "string", "format": "uri-reference"}},
    }
    schema = {"oneOf": [accepted, {"type": "array", "items": told}]}
    return {
        "description": "All of them are on disk; a batch is answered with an array.",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri-reference"}}},
        "content": {"application/json": {"schema": schema}},
    }


def _header(name: str, contracts: Sequence[DescribedContract]) -> Json:
    more = ", where it is required." if name in _REQUIRED else "."
    schema = _ATTRIBUTES.get(name) or {"enum": [each.name for each in contracts]}
    return {
        "name": f"ce-{name}",
        "in": "header",
        "description": f"Binary mode only{more}",
        "schema": schema,
    }


def _examples(contracts: Sequence[DescribedContract]) -> Json:
    return {
        f"{each.name}-{example.name}": {
            "summary": f"{each.name}: {example.name}",
            "value": {
                "specversion": "1.0",
                "id": "1",
                "source": "/example",
                "type": each.name,
                "data": example.value,
            },
        }
        for each in contracts
        for example in each.highest.accepted[:1]
    }
