"""One difference between two versions of a schema."""

from __future__ import annotations

from typing import Any

import msgspec

from crossdock.contracts.compatibility.effects import Effect


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between two versions of a schema.

    Attributes:
        code: What kind it is; stable, see :data:`~.codes.CODES`.
        pointer: JSON Pointer of the keyword in the new schema, or in the old one when the new one
            has nothing there.
        old: What the old schema says there; None when it says nothing.
        new: What the new schema says there; None when it says nothing.
        backward: What it does to new readers of old documents.
        forward: What it does to old readers of new documents.
        why: One sentence for a person.
    """

    code: str
    pointer: str
    old: Any = None
    new: Any = None
    backward: Effect = Effect.KEEPS
    forward: Effect = Effect.KEEPS
    why: str = ""
