"""Lag: what the broker says that each consumer has still to settle, as gauges.

It is asked for, not counted by the consumers themselves, so that it grows visibly also while a
component is paused, halted or hanging.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import Gauge

from crossdock.contracts import Disconnected
from crossdock.mesh.bus import Bus

log = logging.getLogger("crossdock.lag")

_A_CONSUMER = 0.01  # seconds between looks for each: a broker has work to list a thousand


async def follow_lag(
    bus: Bus,
    kinds: Sequence[str],
    gauges: Callable[[], Mapping[str, Gauge]],
    every: float = 5.0,
) -> None:
    """Keep gauges at the lag of their consumers, until cancelled; survives a broker that is away.

    Args:
        bus: Connection.
        kinds: Streams to ask: ``in``, ``out``.
        gauges: Returns the gauge of each durable consumer that this process runs; asked each time,
            because they change with the project.
        every: Seconds between two looks; 10 ms for each consumer, when that is more.
    """
    while True:
        seen = 0
        try:
            for kind in kinds:
                found = await bus.consumers(kind)
                seen += len(found)
                for each in found:
                    gauge = gauges().get(each.name)
                    if gauge is not None:
                        gauge.set(each.lag)
        except Disconnected as error:
            log.debug("lag not known", extra={"why": error.reason})
        await asyncio.sleep(max(every, _A_CONSUMER * seen))
