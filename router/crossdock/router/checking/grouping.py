"""Takes types through an aggregator: from the data of a member to the data of its group."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from crossdock.router.aggregating import Aggregator
from crossdock.router.checking.making import list_of
from crossdock.router.checking.schema_types import type_of_schema
from crossdock.router.checking.stepping import KEY, Walk
from crossdock.router.checking.types import TEXT, WHOLE, Number, Object, Text, Type
from crossdock.router.checking.world import World

_POINTER: Final = "/aggregate"


def through_aggregate(aggregate: Aggregator, walk: Walk, world: World) -> World:
    """Judge an aggregator; return what is known of its groups.

    Args:
        aggregate: The aggregator.
        walk: Through the route.
        world: What is known of a member.
    """
    key = walk.scalar(aggregate.by, f"{_POINTER}/by", world, KEY)
    if aggregate.size is not None:
        walk.scalar(aggregate.size, f"{_POINTER}/complete/size", world, {Number: "a number"})
    if aggregate.order is not None:
        sortable: dict[type, str] = {Number: "a number", Text: "a text"}
        walk.scalar(aggregate.order, f"{_POINTER}/order", world, sortable)
    parts = list_of(world.data)
    view: dict[str, Type] = {"key": key, "count": WHOLE, "parts": parts}
    group = replace(world, data=Type((Object(view),)), variables={}, contract=None, gates=())
    if aggregate.when is not None:
        walk.condition(aggregate.when, f"{_POINTER}/complete/when", group)
    wanted = type_of_schema(aggregate.contract.schema)
    if aggregate.mapping is None:
        walk.keeps(parts, wanted, f"{_POINTER}/as")
    else:
        pointer = f"{_POINTER}/map"
        told = replace(group, data=Type((Object(view | {"reason": TEXT}),)))
        made = walk.mapping(aggregate.mapping, pointer, told)
        walk.keeps(made, wanted, pointer, aggregate.mapping)
    about = Type((Object({"key": key, "count": WHOLE, "reason": TEXT}),))
    variables = {"group": about}
    if "message" in world.variables:
        variables["message"] = world.variables["message"]
    return replace(
        world,
        data=wanted,
        variables=variables,
        complete=True,
        accepted=wanted,
        contract=wanted,
        gates=(),
    )
