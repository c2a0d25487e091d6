"""What can be read of the gateway, as OpenAPI shows it: messages' status, and contracts."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from crossdock.gateway.contract_entries import PATH as CONTRACTS
from crossdock.gateway.contract_entries import ContractEntry
from crossdock.gateway.openapi_answers import PROBLEM, answers
from crossdock.mesh.finding import MessageStatus

Json = dict[str, Any]
_SCHEMAS: Final = "#/components/schemas/"
_ENTRY: Final[Json] = {"$ref": f"{_SCHEMAS}ContractEntry"}
_READ: Final = (401, 403, 404, 503)


def read_paths() -> Json:
    """Return every operation that reads."""
    name = _in_path("name", "Name of a contract: domain.entity.event.")
    version = _in_path("version", "A version, a range as npm writes it (1, ^1.2), or latest.")
    listed = {"type": "array", "items": _ENTRY}
    return {
        "/v1/messages/{id}": {"get": _status()},
        CONTRACTS: {
            "get": _contracts("list contracts", "Contracts that you may send", (), listed),
        },
        f"{CONTRACTS}/{{name}}": {
            "get": _contracts("show contract", "What is said of a contract", (name,), _ENTRY),
        },
        f"{CONTRACTS}/{{name}}/{{version}}": {
            "get": _contracts(
                "show schema", "The JSON Schema of a contract's version", (name, version), None
            ),
        },
    }


def read_schemas() -> Json:
    """Return what the operations answer, made from the types that they answer with."""
    _, found = msgspec.json.schema_components(
        [MessageStatus, ContractEntry], ref_template=_SCHEMAS + "{name}"
    )
    for each in found.values():
        each["description"] = each.get("description", "").partition("\n")[0]
    return {**found, "Problem": PROBLEM}


def _status() -> Json:
    hint = {
        "name": "seq",
        "in": "query",
        "description": "Where it was stored, as the `Location` of the 202 says: makes it quick.",
        "schema": {"type": "integer", "minimum": 0},
    }
    schema = {"$ref": f"{_SCHEMAS}MessageStatus"}
    return {
        "tags": ["messages"],
        "operationId": "find message",
        "summary": "Where a message is",
        "parameters": [_in_path("id", "The message's id."), hint],
        "responses": {
            "200": {"description": "Found.", "content": {"application/json": {"schema": schema}}},
            **answers((401, 404, 503)),
        },
    }


def _contracts(
    identity: str, summary: str, parameters: tuple[Json, ...], schema: Json | None
) -> Json:
    known = {"name": "if-none-match", "in": "header", "schema": {"type": "string"}}
    found = {
        "description": "Found.",
        "headers": {"ETag": {"schema": {"type": "string"}}},
        "content": (
            {"application/schema+json": {"schema": True}}
            if schema is None
            else {"application/json": {"schema": schema}}
        ),
    }
    return {
        "tags": ["contracts"],
        "operationId": identity,
        "summary": summary,
        "parameters": [*parameters, known],
        "responses": {
            "200": found,
            "304": {"description": "You have it already: its ETag is in `If-None-Match`."},
            **answers(_READ if parameters else (401, 503)),
        },
    }


def _in_path(name: str, description: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }
