"""Claim Check: which data has to be fetched before a route can decide."""

from __future__ import annotations

import msgspec

from crossdock.contracts import Message, Reject
from crossdock.mesh.groups import GROUP_TYPE
from crossdock.mesh.groups.state import completed_with
from crossdock.router.compiled import CompiledRoute
from crossdock.router.delaying import DELAYED_TYPE, check_of_delayed, delayed_with
from crossdock.router.resequencing import next_in_turn


def check_of(route: CompiledRoute, message: Message) -> str:
    """Return the check of the data that a route will look at; ``""`` when nothing is to be fetched.

    It is the message's own, or that of the message which it holds when its turn has come.
    """
    if message.type == GROUP_TYPE and route.resequence is not None:
        try:
            return next_in_turn(message).dataref
        except Reject:
            return ""
    if message.type == DELAYED_TYPE and route.delay is not None:
        return check_of_delayed(message)
    if not message.dataref:
        return ""
    wanted = route.accepted.get(message.dataschema)
    return message.dataref if wanted is not None and wanted.name == message.type else ""


def whole(message: Message, data: bytes) -> Message:
    """Return a message with the data of its check, or with that of the message which it holds."""
    if message.type == DELAYED_TYPE:
        return msgspec.structs.replace(message, data=delayed_with(message.data, data))
    if message.dataref:
        return msgspec.structs.replace(message, data=data)
    return msgspec.structs.replace(message, data=completed_with(message.data, data))
