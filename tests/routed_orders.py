"""Orders through the route of ``project_folder``, in a router inside a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from crossdock.contracts import Message, Subjects
from crossdock.contracts.reference import dataschema
from crossdock.mesh import records
from crossdock.mesh.bus import Bus
from crossdock.router.running import Router
from running_router import started

SUBJECTS = Subjects("t")
ORDERS = "sales.order.placed"


def order(number: int, country: str = "DE", total: float = 10, **more: object) -> Message:
    """Return an order as the route accepts it."""
    data = {"order": f"o{number}", "country": country, "total": total} | more
    return Message(
        id=f"m{number}",
        source="/test",
        type=ORDERS,
        dataschema=dataschema(ORDERS, "1.0.0"),
        data=msgspec.json.encode(data),
    )


@asynccontextmanager
async def running_router(bus: Bus, folder: Path) -> AsyncIterator[Router]:
    """Run the routes of a project."""
    router = await started(bus, folder)
    try:
        yield router
    finally:
        await router.stop()


async def entries_of(bus: Bus, component: str, count: int) -> list[records.Entry]:
    """Return the entries of a component as soon as there are so many."""
    async with asyncio.timeout(15):
        while True:
            found = [
                entry
                async for each in bus.read("record", subject=SUBJECTS.record(component))
                for entry in records.read(each.data).entries
            ]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)
