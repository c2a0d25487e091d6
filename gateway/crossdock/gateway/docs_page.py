"""The gateway's documentation as a page: its OpenAPI document, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from crossdock.gateway.openapi import openapi
from crossdock.mesh.catalogue.description import MeshDescription
from crossdock.mesh.catalogue.pages import Pages
from crossdock.mesh.catalogue.schema_fields import fields_of
from crossdock.mesh.project.settings import GatewaySettings

Json = dict[str, Any]
_MOST_SHOWN: Final = 300
_EXAMPLE: Final = {
    "type": "urn:crossdock:problem:invalid-data",
    "title": "The data does not fit its contract",
    "status": 400,
    "detail": "The data does not fit sales.order.placed 1.0.0.",
    "errors": [{"pointer": "/total", "keyword": "minimum", "message": "less than 0"}],
}


def docs_page(description: MeshDescription, settings: GatewaySettings) -> str:
    """Return the page for whoever may send the contracts that are described."""
    total, shown = len(description.contracts), description.contracts[:_MOST_SHOWN]
    document = openapi(msgspec.structs.replace(description, contracts=shown), settings)
    return _pages().render(
        "docs.html.j2",
        document=document,
        contracts=[
            (each, _send(document, each.name), fields_of(each.highest.contract.schema))
            for each in shown
        ],
        total=total,
        others=[*_others(document)],
        problem=_EXAMPLE,
    )


def key_page(*, refused: bool) -> str:
    """Return the page that asks for an API key.

    Args:
        refused: Whether one was given that is not known.
    """
    return _pages().render("key.html.j2", refused=refused)


def page_policy() -> str:
    """Return the Content-Security-Policy of both pages."""
    return f"{_pages().policy}; frame-ancestors 'none'"


@lru_cache(maxsize=1)
def _pages() -> Pages:
    return Pages(Path(__file__).parent / "templates")


def _send(document: Json, name: str) -> Json:
    return _whole(document, document["paths"][f"/v1/messages/{name}"]["post"])


def _others(document: Json) -> Iterator[tuple[str, Json]]:
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            if "x-crossdock-contract" not in operation:
                yield path, {**_whole(document, operation), "verb": verb}


def _whole(document: Json, operation: Json) -> Json:
    """Return what the page shows of an operation, with everything that it refers to."""
    responses = operation["responses"].items()
    parameters = [_resolved(document, each) for each in operation.get("parameters", ())]
    return {
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "parameters": [{"description": "", **each} for each in parameters],
        "body": [*operation.get("requestBody", {}).get("content", {})],
        "responses": {status: _resolved(document, each) for status, each in responses},
    }


def _resolved(document: Json, part: Json) -> Json:
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    found: Json = document["components"][kind][name]
    return found
