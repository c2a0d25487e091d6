"""Lag: what the broker says that each consumer has still to settle, as gauges.

It is asked for, not counted by the consumers themselves, so that it grows visibly also while a
component is paused, halted or hanging.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from json import JSONDecodeError
from typing import Final

from nats.errors import Error as NatsError
from prometheus_client import Gauge

from crossdock.mesh.bus import Bus

log = logging.getLogger("crossdock.lag")

_PAGE: Final = 256  # the server's bound


async def follow_lag(
    bus: Bus,
    kinds: Iterable[str],
    gauges: Callable[[], Mapping[str, Gauge]],
    every: float = 5.0,
) -> None:
    """Keep gauges at the lag of their consumers, until cancelled; survives a broker that is away.

    Args:
        bus: Connection.
        kinds: Streams to ask: ``in``, ``out``.
        gauges: Returns the gauge of each durable consumer that this process runs; asked each time,
            because they change with the project.
        every: Seconds between two looks.
    """
    streams = [bus.subjects.stream(kind) for kind in kinds]
    while True:
        try:
            for stream in streams:
                for durable, lag in (await _lags(bus, stream)).items():
                    gauge = gauges().get(durable)
                    if gauge is not None:
                        gauge.set(lag)
        except (NatsError, JSONDecodeError) as error:  # a restarting broker may answer with nothing
            log.debug("lag not known", extra={"why": type(error).__name__})
        await asyncio.sleep(every)


async def _lags(bus: Bus, stream: str) -> dict[str, int]:
    """Return for each durable consumer the messages not yet delivered, or not yet settled."""
    result: dict[str, int] = {}
    offset = 0
    while True:
        page = await bus.jetstream.consumers_info(stream, offset=offset)
        for info in page:
            result[info.name] = (info.num_pending or 0) + (info.num_ack_pending or 0)
        offset += _PAGE
        if len(page) < _PAGE:
            return result
