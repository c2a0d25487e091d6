"""Letting a service heed operators: before its first component begins, and as long as it runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from crossdock.cli.following import beside
from crossdock.contracts import Disconnected
from crossdock.mesh.control import Controls, Seen, answering
from crossdock.mesh.service import Running

log = logging.getLogger("crossdock.control")

_AGAIN = 1.0


async def known(controls: Controls, stop: asyncio.Event) -> bool:
    """Return once it is known what operators have decided; False when asked to stop before.

    Until then nothing begins: what is paused must not run because the broker was slow.
    """
    while not stop.is_set():
        try:
            await controls.start()
        except Disconnected as error:
            log.warning("controls not read, will try again", extra={"why": error.reason})
        else:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _AGAIN)
    return False


@contextlib.asynccontextmanager
async def controlled(
    running: Running, controls: Controls, seen: Callable[[], Sequence[Seen]]
) -> AsyncIterator[None]:
    """Follow what operators decide, and answer those who ask, while this lasts.

    Args:
        running: The service.
        controls: What was decided; known by now.
        seen: Returns how its components are.
    """
    running.health.facts["paused"] = lambda: sum(each.flow != "running" for each in seen())
    async with answering(running.bus, seen), beside(controls.run()):
        yield
