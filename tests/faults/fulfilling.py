"""Shop, stock and bank around a process that is killed, and who checks that all balances."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgspec

from crossdock.contracts import Message, Subjects
from crossdock.mesh.bus import Bus
from fulfilment import told

SUBJECTS = Subjects("t")
GOES_WELL, STOCK_REFUSES, BANK_REFUSES, STOCK_SILENT, BANK_SILENT = range(5)
KINDS = 5


def kind_of(order: str) -> int:
    """What happens to an order follows from its number."""
    return int(order[1:]) % KINDS


@dataclass
class Books:
    """What stock and bank did, by the commands that reached them.

    Attributes:
        commands: For each order the contracts of the commands that had an effect, in their order.
        ids: For each command how often it came.
        reserved: Goods that are put aside, by order.
        paid: Money that is there, by order.
    """

    commands: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ids: Counter[str] = field(default_factory=Counter)
    reserved: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)

    def take(self, contract: str, message_id: str, order: str, amount: int) -> list[str]:
        """Do what a command says; return the contracts of the answers."""
        self.ids[message_id] += 1
        self.commands[order].append(contract)
        kind = kind_of(order)
        match contract:
            case "stock.reserve.requested" if kind == STOCK_REFUSES:
                return ["stock.goods.refused"]
            case "stock.reserve.requested":
                self.reserved[order] += 1
                return [] if kind == STOCK_SILENT else ["stock.goods.reserved"]
            case "stock.release.requested":
                self.reserved[order] -= self.reserved[order] > 0  # it may never have been done
                return ["stock.goods.released"]
            case "bank.payment.requested" if kind == BANK_REFUSES:
                return ["bank.payment.refused"]
            case "bank.payment.requested":
                self.paid[order] += amount
                return [] if kind == BANK_SILENT else ["bank.payment.made"]
            case _:
                self.paid[order] -= min(amount, self.paid[order])
                return []


def wrong(orders: int, books: Books, ends: dict[str, list[str]]) -> list[str]:
    """Judge a run that has come to rest.

    An order that goes well may fail all the same: when a kill takes so long that its time is up.

    Args:
        orders: How many were placed.
        books: What stock and bank did.
        ends: For each order the states in which it ended.
    """
    found = [f"{each} came {count} times" for each, count in books.ids.items() if count > 1]
    for number in range(orders):
        order = f"o{number}"
        kind = kind_of(order)
        end = ends.get(order)
        if end not in ([["done"], ["failed"]] if kind == GOES_WELL else [["failed"]]):
            found.append(f"{order} ended in {end}, not once")
        if max(Counter(books.commands[order]).values(), default=0) != 1:
            found.append(f"{order} had the effects {books.commands[order]}")
        for first, second in (("payment", "refund"), ("reserve", "release")):
            at = [i for i, each in enumerate(books.commands[order]) if f".{second}." in each]
            did = [i for i, each in enumerate(books.commands[order]) if f".{first}." in each]
            if at and (not did or min(at) < min(did)):
                found.append(f"{order}: {second} came before {first}")
        balance = (books.reserved[order], books.paid[order])
        if balance != ((1, 5) if end == ["done"] else (0, 0)):
            found.append(f"{order} is out of balance: {balance}")
    return found


class World:
    """Stock and bank: they read their streams and answer, some of it twice."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._next = 1
        self.books = Books()

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            answers = await self._answers()
            for each in answers:
                await self._bus.publish(SUBJECTS.incoming(each.type), each)
            if not answers:
                await asyncio.sleep(0.02)

    async def _answers(self) -> list[Message]:
        answers: list[Message] = []
        async for stored in self._bus.read("out", sequence=self._next):
            self._next = stored.sequence + 1
            message = Message.from_headers(stored.headers, stored.data)
            data: dict[str, Any] = msgspec.json.decode(message.data)
            order = str(data["order"])
            for each in self.books.take(message.type, message.id, order, int(data["amount"])):
                own = f"answer-{message.id}-{each}"
                answers += [told(each, order, id_=own)] * (1 + int(order[1:]) % 2)
        return answers
