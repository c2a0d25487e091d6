"""``resequence:`` in a route file: messages go on in the order of their numbers."""

from __future__ import annotations

from typing import Literal

import msgspec

from crossdock.mesh.project.scalars import Duration


class Resequence(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Resequencer: each key counts, and its messages go on in that order.

    Attributes:
        by: JSONata over the data that gives the key: text, number or boolean.
        number: JSONata over the data that gives the number: a whole one.
        gap: For how long a number that is missing is waited for; then the others go on.
        first: The first number of a key.
        late: What becomes of a message that comes after its gap was given up: a dead letter, or it
            is sent when it comes.
        remember: For how long a key without messages keeps its count.
    """

    by: str
    number: str
    gap: Duration
    first: int = 1
    late: Literal["dead", "send"] = "dead"
    remember: Duration = Duration(7 * 86400)
