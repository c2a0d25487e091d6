"""Judges the time that a delay asks for."""

from __future__ import annotations

from typing import Final

from crossdock.contracts.expiry import read_time
from crossdock.router.checking.comparing import describe, overlap
from crossdock.router.checking.finding import Finding
from crossdock.router.checking.stepping import Walk
from crossdock.router.checking.types import TEXT, Text, Type
from crossdock.router.checking.world import World
from crossdock.router.delaying import Delayer

_POINTER: Final = "/delay/until"


def check_delay(delay: Delayer, walk: Walk, world: World) -> None:
    """Judge a delay.

    Args:
        delay: The delay.
        walk: Through the route.
        world: What is known of what the steps have made.
    """
    if delay.until is None:
        return
    given = walk.mapping(delay.until, _POINTER, world)
    if given.kinds and (not overlap(given, TEXT) or _never_a_time(given)):
        message = (
            f"gives {describe(given)}: give a text with date, time of day and zone, such as "
            "2026-03-02T09:30:00+01:00; $fromMillis(…) makes one"
        )
        walk.tell(_POINTER, Finding(code="not-a-time", message=message))


def _never_a_time(given: Type) -> bool:
    """Tell whether all there can be are texts that are known, and none of them is a time."""
    return all(
        isinstance(kind, Text)
        and kind.values is not None
        and all(read_time(each) is None for each in kind.values)
        for kind in given.kinds
    )
