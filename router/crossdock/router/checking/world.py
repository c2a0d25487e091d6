"""What checks know of a message at a place in a route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from crossdock.contracts import Contract
from crossdock.router.checking.trees import Tree
from crossdock.router.checking.types import ANYTHING, OBJECT, TEXT, Object, Type

Answers: TypeAlias = Mapping[str, Contract | None]
"""Contract of what each call answers, by its name; None where that is not known."""
MESSAGE: Final = Type(
    (
        Object(
            {
                "id": TEXT,
                "source": TEXT,
                "type": TEXT,
                "dataschema": TEXT,
                "time": ANYTHING,
                "subject": ANYTHING,
                "extensions": OBJECT,
            }
        ),
    )
)
"""Type of ``$message``: the attributes of the message."""


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as checks see it.

    Attributes:
        tree: The condition; None when it is not understood.
        told: Something is wrong in it already.
    """

    tree: Tree | None
    told: bool = False


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a message, or of a part of one, at a place in a route.

    Attributes:
        data: Type of the data.
        variables: Type of each variable that the runtime binds, without its ``$``.
        complete: There are no other variables than these.
        accepted: What the contracts that the route accepts allow.
        contract: What the contract allows that the data keeps here; None once a step has changed
            the data freely.
        gates: Conditions that held for this data on its way here.
    """

    data: Type
    variables: dict[str, Type]
    complete: bool = True
    accepted: Type
    contract: Type | None
    gates: tuple[Arm, ...] = ()
