"""The paths of ``apis/`` as OpenAPI shows them."""

from __future__ import annotations

import re
from typing import Any, Final

from crossdock.gateway.openapi_answers import answers
from crossdock.gateway.openapi_replies import PREFER_REFERENCE, reply_answer
from crossdock.mesh.catalogue.description import DescribedApi, DescribedVersion, MeshDescription
from crossdock.mesh.catalogue.relations import Relations

Json = dict[str, Any]
_PARAMETER: Final = re.compile(r"\{([^}]*)\}")
_TAKEN: Final = (400, 401, 403, 404, 408, 413, 415, 502, 503)


def api_paths(description: MeshDescription) -> Json:
    """Return the operation of every API."""
    relations = Relations(description)
    paths: dict[str, Json] = {}
    first: dict[str, str] = {}
    for api in description.apis:
        # Paths that differ only in the names of parameters are one path to OpenAPI.
        path = first.setdefault(_PARAMETER.sub("{}", api.path), api.path)
        paths.setdefault(path, {})[api.method.lower()] = _operation(relations, api, path)
    return paths


def api_versions(description: MeshDescription) -> list[DescribedVersion]:
    """Return the version of each contract that an API publishes or replies with."""
    relations = Relations(description)
    named = [text for each in description.apis for text in (each.publishes, each.replies) if text]
    found = (relations.published(each) for each in named)
    return [version for versions in found for _, version in versions]


def _operation(relations: Relations, api: DescribedApi, path: str) -> Json:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]
    key = {"$ref": "#/components/parameters/idempotency-key"}
    becomes = f"Becomes a message of {api.publishes}."
    if api.replies is not None:
        becomes += f" The caller gets the reply to it, a message of {api.replies}."
    return {
        "tags": ["apis"],
        "operationId": f"api {api.name}",
        "summary": f"{api.name}: becomes {api.publishes}",
        "description": f"{api.description}\n\n{becomes}" if api.description else becomes,
        "parameters": [*parameters, key, PREFER_REFERENCE],
        "requestBody": {
            "required": True,
            "content": {"application/json": _body(relations, api)},
        },
        "responses": {
            "200": reply_answer(_reply(relations, api)),
            "202": {"$ref": "#/components/responses/accepted"},
            **answers(_TAKEN),
        },
    }


def _reply(relations: Relations, api: DescribedApi) -> Json | bool:
    found = relations.published(api.replies) if api.replies is not None else []
    return {"$ref": f"#/components/schemas/{found[0][1].key}"} if found else True


def _body(relations: Relations, api: DescribedApi) -> Json:
    found = relations.published(api.publishes)
    if api.maps or not found:
        return {"schema": True}
    return {"schema": {"$ref": f"#/components/schemas/{found[0][1].key}"}}
