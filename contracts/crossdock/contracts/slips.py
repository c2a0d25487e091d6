"""Routing Slip: the stops that a message still has to go to, attached to the message.

The attribute ``routingslip`` holds the number of the stop that it is on its way to or at, from 1,
and all of the stops: ``2 route:credit route:approval billing``. It is only ever moved on, so it
comes to its end. Only the router sets it: one that comes from outside is dropped.
"""

from __future__ import annotations

from typing import Final

import msgspec

from crossdock.contracts.errors import Reject
from crossdock.contracts.message import Message
from crossdock.contracts.subjects import is_token

SLIP: Final = "routingslip"
"""The attribute that holds the slip."""
NEXT: Final = "next"
"""What a route writes in place of a destination to send to the next stop."""
MAX_STOPS: Final = 32
"""Most stops of a slip (I8)."""
_ROUTE: Final = "route:"


class Slip(msgspec.Struct, frozen=True):
    """A slip.

    Attributes:
        at: Number of the stop that the message is on its way to, or at, from 1.
        stops: All of them: a destination, or ``route:`` and a route.
    """

    at: int
    stops: tuple[str, ...]

    @property
    def stop(self) -> str:
        """The stop that the message is on its way to, or at."""
        return self.stops[self.at - 1]

    @property
    def is_last(self) -> bool:
        """Whether that is the last one."""
        return self.at == len(self.stops)

    def moved_on(self) -> Slip:
        """Return the slip of a message on its way to the next stop."""
        return Slip(self.at + 1, self.stops)

    def __str__(self) -> str:
        return " ".join((str(self.at), *self.stops))


def slip_of(message: Message) -> Slip | None:
    """Return the slip of a message; None when it has none.

    Raises:
        Reject: What it has is no slip.
    """
    text = message.extensions.get(SLIP)
    if not text:
        return None
    at, *stops = text.split(" ")
    known = all(is_token(each.removeprefix(_ROUTE)) for each in stops)
    number = int(at) if at.isascii() and at.isdigit() and len(at) < len(str(MAX_STOPS)) + 1 else 0
    if not known or not 1 <= number <= len(stops) <= MAX_STOPS:
        raise Reject(f"{SLIP} holds no routing slip")
    return Slip(number, tuple(stops))


def route_stop(route: str) -> str:
    """Return how a slip names a stop that is a route."""
    return f"{_ROUTE}{route}"


def route_of(stop: str) -> str | None:
    """Return the route that a stop is; None for a destination."""
    return stop.removeprefix(_ROUTE) if stop.startswith(_ROUTE) else None


def name_of(stop: str) -> str:
    """Return the name of a stop, as a route file writes it."""
    return stop.removeprefix(_ROUTE)
