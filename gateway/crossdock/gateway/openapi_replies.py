"""Replies as OpenAPI shows them."""

from __future__ import annotations

from typing import Any, Final

from crossdock.gateway.openapi_answers import answers

Json = dict[str, Any]
PREFER_REFERENCE: Final[Json] = {"$ref": "#/components/parameters/prefer"}
PREFER: Final[Json] = {
    "name": "prefer",
    "in": "header",
    "description": "`wait=10`: wait so many seconds for the reply; then 202, and the reply will be "
    "where `Location` leads. `respond-async`: 202 at once, and a reply later (RFC 7240).",
    "schema": {"type": "string"},
}
PREFERENCE_APPLIED: Final[Json] = {
    "description": "What of `Prefer` was done; only when something was.",
    "schema": {"type": "string"},
}
_TEXT: Final[Json] = {"schema": {"type": "string"}}
_HEADERS: Final[Json] = {
    "Content-Location": {
        "description": "Where the reply can be fetched again.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Preference-Applied": PREFERENCE_APPLIED,
    "ce-id": _TEXT,
    "ce-type": {"description": "Name of the reply's contract.", "schema": {"type": "string"}},
    "ce-dataschema": _TEXT,
    "ce-correlationid": _TEXT,
}


def reply_answer(schema: Json | bool = True) -> Json:  # noqa: FBT001, FBT002 - JSON Schema's own
    """Return the answer that is a reply.

    Args:
        schema: Of the reply; True for any.
    """
    return {
        "description": "The reply, where one was waited for.",
        "headers": _HEADERS,
        "content": {"application/json": {"schema": schema}},
    }


def reply_paths() -> Json:
    """Return the operation that fetches a reply."""
    identity = {"name": "id", "in": "path", "required": True, **_TEXT}
    hint = {
        "name": "seq",
        "in": "query",
        "description": "As `Location` has it.",
        "schema": {"type": "integer", "minimum": 0},
    }
    return {
        "/v1/messages/{id}/reply": {
            "get": {
                "tags": ["messages"],
                "operationId": "fetch reply",
                "summary": "The reply to a message that you sent",
                "parameters": [
                    {**identity, "description": "The id of the message."},
                    hint,
                    PREFER_REFERENCE,
                ],
                "responses": {"200": reply_answer(), **answers((401, 404, 502, 503))},
            }
        }
    }
