"""The callers: send orders by HTTP until each has its 202, and keep the ledger."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from typing import Any

from faults.caller import Caller
from faults.ledger import Ledger, Order

PATH = "/v1/messages/sales.order.placed"
TOO_MUCH = 2_000_000  # the table of the destination `eu` refuses it
_AGAIN = 0.1
_NOT_NOW = frozenset({429, 503, None})  # None: no answer, so it is not known


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

    def __init__(self, host: str, port: int, ledger: Ledger, *, callers: int = 32) -> None:
        self._ledger = ledger
        self._callers = [Caller(host, port) for _ in range(callers)]
        self.acknowledged = 0

    async def send(self, order: Order) -> None:
        """Send one order until it is acknowledged."""
        await self._send(self._callers[0], order)

    async def send_all(self, source: Iterator[Order], count: int) -> None:
        """Send so many, as fast as the gateway takes them."""
        chosen = itertools.islice(source, count)
        async with asyncio.TaskGroup() as lanes:
            for caller in self._callers:
                lanes.create_task(self._lane(caller, chosen))

    async def load(self, source: Iterator[Order], rate: int, enough: asyncio.Event) -> None:
        """Send at most so many a second until it is enough."""
        every = len(self._callers) / rate

        async def lane(caller: Caller) -> None:
            while not enough.is_set():
                pause = asyncio.create_task(asyncio.sleep(every))
                await self._send(caller, next(source))
                await pause

        async with asyncio.TaskGroup() as lanes:
            for caller in self._callers:
                lanes.create_task(lane(caller))

    def close(self) -> None:
        """Hang up."""
        for each in self._callers:
            each.close()

    async def _lane(self, caller: Caller, source: Iterator[Order]) -> None:
        for order in source:
            await self._send(caller, order)

    async def _send(self, caller: Caller, order: Order) -> None:
        self._ledger.sent(order)
        data = json.dumps(body(order)).encode()
        while True:  # always as the same message
            status = await caller.post(PATH, data, order.key)
            if status == 202:
                break
            assert status in _NOT_NOW, f"{order.key} was refused: {status}"
            await asyncio.sleep(_AGAIN)
        self._ledger.acknowledged(order.key)
        self.acknowledged += 1
