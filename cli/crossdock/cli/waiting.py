"""A service that waits for the first revision of its mesh: alive, and not ready."""

from __future__ import annotations

import asyncio
import signal

from prometheus_client import CollectorRegistry

from crossdock.mesh.ops import Health, OpsServer
from crossdock.mesh.registry.following import LiveSource

_AT_ONCE = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def wait_for_revision(source: LiveSource, probes: str | None) -> bool:
    """Wait until there is a revision; False when the process was asked to stop before.

    Args:
        source: The registry's project.
        probes: ``HOST:PORT`` where probes are answered meanwhile; None for nowhere.

    Raises:
        Halt: What is there cannot be read.
    """
    return asyncio.run(_wait(source, probes))


async def _wait(source: LiveSource, probes: str | None) -> bool:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    waiting = asyncio.create_task(source.wait(), name="first revision")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    health = Health(
        registry=CollectorRegistry(),
        age=lambda: 0.0,
        checks={"registry": lambda: "waits for the first revision"},
    )
    server = None if probes is None else OpsServer(health, probes)
    try:
        # Usually it is there, and then nobody need listen for this moment.
        await asyncio.wait({waiting, stopping}, timeout=_AT_ONCE, return_when="FIRST_COMPLETED")
        if server is not None and not (waiting.done() or stopping.done()):
            await server.start()
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            waiting.result()
        return waiting.done()
    finally:
        if server is not None:
            await server.stop()
        for each in (waiting, stopping):
            each.cancel()
        await asyncio.wait({waiting, stopping})
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
