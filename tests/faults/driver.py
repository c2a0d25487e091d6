"""The callers: send orders by HTTP until each has its 202, and keep the ledger."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import httpx

from faults.ledger import Ledger, Order

CONTRACT = "sales.order.placed"
TOO_MUCH = 2_000_000  # the table of the destination `eu` refuses it
_AGAIN = 0.1
_BUSY = frozenset({429, 503})


def orders(prefix: str) -> Iterator[Order]:
    """Yield orders without end: most to one of two destinations, some filtered, 1 % bad."""
    for number in itertools.count():
        key = f"{prefix}-{number}"
        if number % 100 == 50:
            yield Order(key, ("eu",), bad=True)
        elif number % 10 == 9:
            yield Order(key)
        else:
            yield Order(key, ("eu",) if number % 10 < 6 else ("world",))


def body(order: Order) -> dict[str, Any]:
    """Return the data of which the route makes what the order says."""
    total = 0 if not order.to else TOO_MUCH if order.bad else 10
    return {
        "order": order.key,
        "country": "DE" if "eu" in order.to else "US",
        "total": total,
    }


class Driver:
    """Sends from this process, many at a time."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self._ledger = ledger
        self._http = httpx.AsyncClient(
            base_url=url, timeout=15, limits=httpx.Limits(max_connections=64)
        )
        self.acknowledged = 0

    async def send(self, order: Order) -> None:
        """Send one order until it is acknowledged, always as the same message."""
        self._ledger.sent(order)
        while not await self._try(order):
            await asyncio.sleep(_AGAIN)
        self._ledger.acknowledged(order.key)
        self.acknowledged += 1

    async def send_all(self, source: Iterator[Order], count: int) -> None:
        """Send so many, as fast as the gateway takes them."""
        await self._together(itertools.islice(source, count))

    async def load(self, source: Iterator[Order], rate: int, enough: asyncio.Event) -> None:
        """Send about so many a second until it is enough."""
        every = 0.1
        async with asyncio.TaskGroup() as sending:
            while not enough.is_set():
                for order in itertools.islice(source, max(1, int(rate * every))):
                    sending.create_task(self.send(order))
                await asyncio.sleep(every)

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def _together(self, source: Iterator[Order], at_once: int = 32) -> None:
        async def lane() -> None:
            for order in source:
                await self.send(order)

        async with asyncio.TaskGroup() as lanes:
            for _ in range(at_once):
                lanes.create_task(lane())

    async def _try(self, order: Order) -> bool:
        try:
            answer = await self._http.post(
                f"/v1/messages/{CONTRACT}",
                json=body(order),
                headers={"idempotency-key": order.key},
            )
        except httpx.TransportError:
            return False
        if answer.status_code in _BUSY:
            return False
        assert answer.status_code == 202, answer.text
        return True
