"""The gateway's OpenAPI 3.1 document, made from the contracts. Pure."""

from __future__ import annotations

from typing import Any, Final

from crossdock.contracts.contract import DEFAULT_DRAFT
from crossdock.gateway.openapi_answers import answers, problem_answers
from crossdock.gateway.openapi_apis import api_paths, api_versions
from crossdock.gateway.openapi_events import event_schemas, events_answer, post_events
from crossdock.gateway.openapi_reads import read_paths, read_schemas
from crossdock.gateway.openapi_replies import (
    PREFER,
    PREFER_REFERENCE,
    PREFERENCE_APPLIED,
    reply_answer,
    reply_paths,
)
from crossdock.mesh.catalogue.description import DescribedContract, MeshDescription, revision_of
from crossdock.mesh.catalogue.draft_7 import modern
from crossdock.mesh.catalogue.embedding import embedded
from crossdock.mesh.project.settings import GatewaySettings

Json = dict[str, Any]
SCHEMAS: Final = "#/components/schemas/"
_TAKEN: Final = (400, 401, 403, 404, 408, 413, 415, 502, 503)


def openapi(description: MeshDescription, settings: GatewaySettings) -> Json:
    """Return the document for whoever may send the contracts that are described.

    Args:
        description: What it shows.
        settings: The gateway's bounds, and whether it takes callers without a key.
    """
    contracts = description.contracts
    paths = {f"/v1/messages/{each.name}": _post_message(each) for each in contracts}
    if contracts:
        paths["/v1/events"] = {"post": post_events(contracts, settings)}
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": f"{description.mesh} gateway",
            "version": "",  # keeps its place in the document
            "description": description.description or "Messages in, and where they are.",
        },
        "jsonSchemaDialect": DEFAULT_DRAFT,
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"key": []}, *([{}] if settings.anonymous else [])],
        "tags": _tags(),
        "paths": paths | api_paths(description) | read_paths() | reply_paths(),
        "components": _components(description, settings),
    }
    document["info"]["version"] = revision_of(document)
    return document


def _post_message(contract: DescribedContract) -> Json:
    shown = contract.highest
    body: Json = {"schema": {"$ref": SCHEMAS + shown.key}}
    if shown.accepted:
        body["examples"] = {
            each.name: {"summary": each.name, "value": each.value} for each in shown.accepted
        }
    operation: Json = {
        "tags": ["messages"],
        "operationId": f"send {contract.name}",
        "summary": contract.title or f"Send {contract.name}",
        "description": _about(contract),
        "parameters": [{"$ref": "#/components/parameters/idempotency-key"}, PREFER_REFERENCE],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "200": reply_answer(),
            "202": {"$ref": "#/components/responses/accepted"},
            **answers(_TAKEN),
        },
        "x-crossdock-contract": {"name": contract.name, "version": shown.version},
    }
    if contract.deprecated:
        operation["deprecated"] = True
    return {"post": operation}


def _about(contract: DescribedContract) -> str:
    said = [contract.description] if contract.description else []
    if contract.deprecated:
        said.insert(0, f"Deprecated: {contract.deprecated}")
    said.append(f"The data is checked against {contract.name} {contract.highest.version}.")
    others = [each.version for each in contract.versions if each is not contract.highest]
    if others:
        said.append(
            f"Other versions: {', '.join(others)}; send to `/v1/messages/{contract.name}@VERSION`."
        )
    return "\n\n".join(said)


def _tags() -> list[Json]:
    return [
        {"name": "messages", "description": "Send one message, and see where it is."},
        {"name": "apis", "description": "Paths for callers with a form of their own."},
        {"name": "events", "description": "Send CloudEvents 1.0, one or a batch."},
        {"name": "contracts", "description": "What messages are."},
    ]


def _components(description: MeshDescription, settings: GatewaySettings) -> Json:
    highest = [each.highest for each in description.contracts]
    schemas: Json = {
        each.key: embedded(
            modern(each.contract.schema), SCHEMAS + each.key, each.contract.dataschema
        )
        for each in (*highest, *api_versions(description))
    }
    schemas |= read_schemas()
    if highest:
        schemas |= event_schemas({each.contract.name: SCHEMAS + each.key for each in highest})
    return {
        "schemas": schemas | {"Accepted": _ACCEPTED},
        "parameters": {"idempotency-key": _IDEMPOTENCY_KEY, "prefer": PREFER},
        "responses": {
            "accepted": {
                "description": "It is on disk. `Location` leads to where it is, or to where the "
                "reply will be, if one is wanted.",
                "headers": _ACCEPTED_HEADERS,
                "content": {"application/json": {"schema": {"$ref": f"{SCHEMAS}Accepted"}}},
            },
            "events": events_answer(),
            **problem_answers(settings),
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: `cdk_…`."},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        },
    }


_ACCEPTED_HEADERS: Final[Json] = {
    "Location": {"schema": {"type": "string", "format": "uri-reference"}},
    "Preference-Applied": PREFERENCE_APPLIED,
    "Deprecation": {
        "description": "Since when the contract is deprecated; only when it is (RFC 9745).",
        "schema": {"type": "string"},
    },
    "Sunset": {
        "description": "When it goes away; only when that is known (RFC 8594).",
        "schema": {"type": "string"},
    },
}
_ACCEPTED: Final[Json] = {
    "type": "object",
    "required": ["id", "contract", "version"],
    "properties": {
        "id": {"type": "string", "description": "Identity of the message."},
        "contract": {"type": "string"},
        "version": {"type": "string"},
        "reply": {"type": "string", "description": "Where the reply will be, if one is wanted."},
    },
}
_IDEMPOTENCY_KEY: Final[Json] = {
    "name": "idempotency-key",
    "in": "header",
    "description": "Makes a repeat the same message: the first one counts.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
