"""Judges an order key (I7): is it there, and is it something that can be a key?"""

from __future__ import annotations

from typing import Final

from crossdock.mesh.expression import Expression
from crossdock.router.checking.comparing import describe
from crossdock.router.checking.finding import Finding
from crossdock.router.checking.stepping import Walk
from crossdock.router.checking.told import Told
from crossdock.router.checking.types import Missing, Null, Number, Text, Unknown
from crossdock.router.checking.world import World

POINTER: Final = "/order"
_CODE: Final = "order-key"


def judge_order(expression: Expression, walk: Walk, world: World) -> None:
    """Tell what is wrong with an order key.

    Args:
        expression: Gives the key.
        walk: Through the route.
        world: What is known of a message that comes in.
    """
    found = walk.mapping(expression, POINTER, world)
    if not any(isinstance(kind, Text | Number | Unknown) for kind in found.kinds):
        message = f"gives {describe(found)}: a key is a text or a number"
    elif any(isinstance(kind, Missing | Null) for kind in found.kinds):
        message = "may give nothing, and such a message would be a dead letter: give it a default"
    else:
        return
    warning = "may" in message
    finding = Finding(code=_CODE, message=message, warning=warning)
    walk.told.append(Told(pointer=POINTER, finding=finding))
