"""The normal form of a schema, from the validator's own library."""

from __future__ import annotations

from typing import Final

import jsonschema_rs

from crossdock.contracts.compatibility.document import DRAFT_7, DRAFT_2020
from crossdock.contracts.schema_walk import Schema

_DRAFTS: Final = {DRAFT_7: jsonschema_rs.Draft7, DRAFT_2020: jsonschema_rs.Draft202012}


def canonical(schema: Schema, draft: int) -> jsonschema_rs.CanonicalSchema:
    """Return the normal form of a schema without references, with formats asserted.

    Args:
        schema: The schema.
        draft: ``DRAFT_7`` or ``DRAFT_2020``.

    Raises:
        CanonicalizationError: It has none.
        jsonschema_rs.ValidationError: It is not a schema.
    """
    return jsonschema_rs.canonicalize(
        schema, draft=_DRAFTS[draft], validate_formats=True, offline=True
    )
