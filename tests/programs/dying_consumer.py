"""A consumer whose process ends when it meets the message m5; effects go to a ledger file."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from crossdock.contracts import CrossdockError, Subjects
from crossdock.mesh.bus import Bus, ConsumerSpec, Incoming
from crossdock.mesh.component import Component
from crossdock.mesh.consuming import Consuming
from crossdock.mesh.project.settings import Policy


async def main(url: str, ledger: Path) -> None:
    """Consume until killed."""
    bus = await Bus.connect(url, Subjects("t"), name="dying")

    async def handle(batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        with ledger.open("a") as file:
            for each in batch:
                key = each.message().id
                if key == "m5":
                    os._exit(9)
                file.write(key + "\n")
                file.flush()
        return [None] * len(batch)

    component = Component(kind="destination", name="d", policy=Policy(attempts=3))
    spec = ConsumerSpec(stream="t-out", durable="dest-d", filters=("t.out.d",), ack_wait=1)
    await Consuming(bus, component, spec, handle).run()


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
