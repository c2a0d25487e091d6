"""The web shop: orders, of which some are wrong."""

from __future__ import annotations

import copy
from random import Random
from typing import Any, Final, Literal

import msgspec

Fate = Literal["billed", "free", "unknown-mail", "invalid"]

UNION: Final = ("AT", "BE", "DE", "ES", "FR", "IT", "NL", "PL", "PT")
_WORLD: Final = ("BR", "CH", "GB", "JP", "NO", "US")
_NAMES: Final = ("Ada Lovelace", "Alan Turing", "Grace Hopper", "Emmy Noether", "Karl Gauß")
_GOODS: Final = (("lamp", 19.9), ("chair", 129.0), ("desk", 349.5), ("cable", 4.99))
_INVALID_EVERY: Final = 67
_FREE_EVERY: Final = 41
_UNKNOWN_MAIL_EVERY: Final = 499
REPEATED_EVERY: Final = 97


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the shop sends it.

    Attributes:
        number: Its number, which is its Idempotency-Key as well.
        body: Its data.
        fate: What must become of it, worked out here and not by the mesh.
        repeated: The shop sends it twice, as one does after an answer that never came.
    """

    number: str
    body: dict[str, Any]
    fate: Fate
    repeated: bool

    @property
    def amount(self) -> str:
        """What is billed, with two decimals."""
        return f"{sum(line['qty'] * line['price'] for line in self.body['lines']):.2f}"

    @property
    def items(self) -> int:
        """How many things were ordered."""
        return sum(line["qty"] for line in self.body["lines"])

    @property
    def in_union(self) -> bool:
        """Whether the office for the Union bills it."""
        return self.body["customer"]["country"] in UNION


def make_orders(count: int, seed: int = 1) -> list[Order]:
    """Make orders: the same ones each time."""
    chance = Random(seed)  # noqa: S311 - an example, the same at each run
    return [_order(number, chance) for number in range(1, count + 1)]


def _order(number: int, chance: Random) -> Order:
    lines: list[dict[str, Any]] = [
        {"sku": sku, "qty": chance.randint(1, 5), "price": price}
        for sku, price in chance.sample(_GOODS, chance.randint(1, 3))
    ]
    name = chance.choice(_NAMES)
    body: dict[str, Any] = {
        "order": f"A-{number:05}",
        "customer": {
            "name": name,
            "email": f"{name.split()[0].lower()}{number}@example.org",
            "country": chance.choice(UNION + _WORLD),
        },
        "lines": lines,
    }
    fate = _fate(number)
    if fate == "free":
        for line in lines:
            line["price"] = 0
    elif fate == "unknown-mail":
        body["customer"]["email"] = f"{name.split()[0].lower()}{number}@typo.example"
    body["total"] = round(sum(line["qty"] * line["price"] for line in lines), 2)
    if fate == "invalid":
        body = _broken(body, number)
    repeated = number % REPEATED_EVERY == 0 and fate != "invalid"
    return Order(number=body["order"], body=body, fate=fate, repeated=repeated)


def _fate(number: int) -> Fate:
    if number % _INVALID_EVERY == 0:
        return "invalid"
    if number % _UNKNOWN_MAIL_EVERY == 0:
        return "unknown-mail"
    return "free" if number % _FREE_EVERY == 0 else "billed"


def _broken(body: dict[str, Any], number: int) -> dict[str, Any]:
    body = copy.deepcopy(body)
    match number // _INVALID_EVERY % 3:
        case 0:
            body["customer"]["country"] = "Germany"
        case 1:
            body["lines"][0]["qty"] = 0
            del body["customer"]["email"]
        case _:
            body["total"] = "a lot"
    return body
