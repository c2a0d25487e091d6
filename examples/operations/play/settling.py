"""Waits until all that was sent has come in, and nothing in the mesh waits any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from crossdock.mesh.bus import Bus

_EVERY: Final = 0.3
_QUIET: Final = 25.0
"""Seconds without any change after which nothing will come any more: longer than any delay."""


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker holds.

    Attributes:
        incoming: Stored messages by contract.
        outgoing: Stored messages by destination.
        dead: Dead letters by component.
        waiting: Messages that a route or a destination has not settled.
        delivered: Messages that a destination has settled, dead ones too.
    """

    incoming: Mapping[str, int]
    outgoing: Mapping[str, int]
    dead: Mapping[str, int]
    waiting: int
    delivered: int


async def look(bus: Bus) -> Traffic:
    """Ask the broker. Streams are asked in the order in which messages pass them."""
    incoming = await _subjects(bus, "in")
    waiting = await _waiting(bus, "in")
    outgoing = await _subjects(bus, "out")
    undelivered = await _waiting(bus, "out")
    return Traffic(
        incoming=incoming,
        outgoing=outgoing,
        dead=await _subjects(bus, "dead"),
        waiting=waiting + undelivered,
        delivered=max(0, sum(outgoing.values()) - undelivered),
    )


async def settle(
    bus: Bus, wanted: Mapping[str, int], show: Callable[[int], None] = lambda _: None
) -> tuple[Traffic, bool]:
    """Wait until the mesh is at rest; return what is there, and whether all came in.

    Args:
        bus: Connection to the broker.
        wanted: How many must have come in by contract, and how many must be dead by source.
        show: Called after each look with the number of delivered messages.
    """
    last, since = await look(bus), time.monotonic()
    while not _at_rest(last, wanted):
        if time.monotonic() - since > _QUIET:
            return last, False
        await asyncio.sleep(_EVERY)
        now = await look(bus)
        if now != last:
            last, since = now, time.monotonic()
        show(now.delivered)
    return last, True


def _at_rest(traffic: Traffic, wanted: Mapping[str, int]) -> bool:
    there = {**traffic.dead, **traffic.incoming}
    return not traffic.waiting and all(there.get(name, 0) >= n for name, n in wanted.items())


async def _subjects(bus: Bus, kind: str) -> dict[str, int]:
    prefix = f"{bus.subjects.mesh}.{kind}."
    info = await bus.jetstream.stream_info(bus.subjects.stream(kind), subjects_filter=">")
    return {name.removeprefix(prefix): n for name, n in (info.state.subjects or {}).items()}


async def _waiting(bus: Bus, kind: str) -> int:
    consumers = await bus.jetstream.consumers_info(bus.subjects.stream(kind))
    return sum((each.num_pending or 0) + (each.num_ack_pending or 0) for each in consumers)
