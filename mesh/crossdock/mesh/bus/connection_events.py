"""What a connection to the broker tells of itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from crossdock.mesh.bus.crowd import Crowd

if TYPE_CHECKING:
    from crossdock.mesh.telemetry import BusMetrics

_log = logging.getLogger("crossdock.bus")


class ConnectionEvents:
    """Logs and counts what happens to one connection.

    Attributes:
        metrics: What is counted; None for nothing.
        closing: Set when the connection is about to be closed by us.
        pullers: Those who have to know that it was lost.
    """

    def __init__(self) -> None:
        self.metrics: BusMetrics | None = None
        self.closing = False
        self.pullers = Crowd()

    async def on_error(self, error: Exception) -> None:
        """Say that something went wrong."""
        _log.warning("broker error", extra={"why": type(error).__name__})

    async def on_disconnected(self) -> None:
        """Say that the broker is away."""
        if not self.closing:
            _log.warning("broker disconnected")

    async def on_reconnected(self) -> None:
        """Say that it is back."""
        _log.info("broker reconnected")
        self.pullers.doubt()
        if self.metrics is not None:
            self.metrics.reconnects.inc()
