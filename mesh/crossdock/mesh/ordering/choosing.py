"""Which of the two consuming loops a component has: with an order key, or without."""

from __future__ import annotations

import msgspec

from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.component import Component, Handler, Observer
from crossdock.mesh.consuming import Consuming
from crossdock.mesh.control import Permit
from crossdock.mesh.ordering.consuming import MOST_WAITING, OrderedConsuming
from crossdock.mesh.telemetry import Metrics, OrderMetrics


def consuming_of(
    bus: Bus,
    component: Component,
    spec: ConsumerSpec,
    handler: Handler,
    observe: Observer,
    permit: Permit,
) -> Consuming:
    """Return the loop of a component."""
    if component.key is None:
        return Consuming(bus, component, spec, handler, observe, permit)
    pinned = msgspec.structs.replace(spec, pinned=True, max_ack_pending=MOST_WAITING)
    return OrderedConsuming(bus, component, pinned, handler, observe, permit)


def show_order(metrics: Metrics, component: str, consuming: Consuming) -> None:
    """Keep the gauges of a component at what its keys wait for, if it has an order key."""
    if isinstance(consuming, OrderedConsuming):
        counts = OrderMetrics.of(metrics, component)
        counts.active.set_function(lambda: float(consuming.active))
        counts.waiting_keys.set_function(lambda: float(consuming.waiting_keys()))
        counts.oldest_wait.set_function(consuming.oldest_wait)
