"""Judges an order key (I7): is it there, and is it something that can be a key?"""

from __future__ import annotations

from typing import Final

from crossdock.mesh.expression import Expression
from crossdock.router.checking.finding import Finding
from crossdock.router.checking.stepping import Walk
from crossdock.router.checking.told import Told
from crossdock.router.checking.types import Missing, Null, Number, Text
from crossdock.router.checking.world import World

POINTER: Final = "/order"
_KEY: Final[dict[type, str]] = {Text: "a text", Number: "a number"}
_MAY_BE_MISSING: Final = (
    "may give nothing, and such a message would be a dead letter: give it a default"
)


def judge_order(expression: Expression, walk: Walk, world: World) -> None:
    """Tell what is wrong with an order key.

    Args:
        expression: Gives the key.
        walk: Through the route.
        world: What is known of a message that comes in.
    """
    found = walk.scalar(expression, POINTER, world, _KEY)
    if any(isinstance(kind, Missing | Null) for kind in found.kinds) and found.present.kinds:
        finding = Finding(code="order-key", message=_MAY_BE_MISSING, warning=True)
        walk.told.append(Told(pointer=POINTER, finding=finding))
