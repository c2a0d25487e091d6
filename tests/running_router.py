"""A router on a real broker, for tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

from prometheus_client import CollectorRegistry

from crossdock.mesh.bus import Bus
from crossdock.mesh.telemetry import Metrics, configure_tracing
from crossdock.router.loading import load_router
from crossdock.router.running import Router


async def started(bus: Bus, folder: Path) -> Router:
    """Return a router that runs the routes of a project."""
    mesh = bus.subjects.mesh
    router = Router(
        bus, Metrics(CollectorRegistry(), mesh, "router"), configure_tracing("r", mesh, 0)
    )
    await router.apply(load_router(folder))
    async with asyncio.timeout(10):
        while router.not_ready():
            await asyncio.sleep(0.01)
    return router
