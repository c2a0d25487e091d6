"""Return Address: who asked, so that whoever answers need not know them.

The attribute ``replyto`` of a request holds one token, an *address*. It goes with everything that
is made of the request, and a reply is published on ``<mesh>.reply.<address>``. Routes through which
the reply has to go on its way (Smart Proxy) stand before it: ``route:back 4f1c…``. Only the gateway
and the router set it: one from outside is dropped, so nobody can have replies sent to others.
"""

from __future__ import annotations

from typing import Final

from crossdock.contracts.errors import Reject
from crossdock.contracts.ids import keyed_id
from crossdock.contracts.message import Message
from crossdock.contracts.slips import name_of, route_stop
from crossdock.contracts.subjects import is_token

REPLY_TO: Final = "replyto"
"""The attribute that holds the return address."""
MAX_ADDRESSES: Final = 8
"""Most return addresses of one message (I8)."""
REPLY: Final = "reply"
"""What a route writes in place of a destination to send to whoever asked."""


def return_address(source: str, message_id: str) -> str:
    """Return the address at which the reply to a message is waited for.

    It follows from the identity of the request: whoever knows that finds the reply, also after a
    restart and from another replica, and the same request again has the same reply.

    Args:
        source: The request's ``source``.
        message_id: Its ``id``.
    """
    return keyed_id("reply", source, message_id)


def addresses_of(message: Message) -> tuple[str, ...]:
    """Return the return addresses of a message, that of the last who asked first; empty for none.

    Raises:
        Reject: What it has is no return address.
    """
    text = message.extensions.get(REPLY_TO)
    if not text:
        return ()
    found = tuple(text.split(" "))
    if len(found) > MAX_ADDRESSES or not all(is_token(name_of(each)) for each in found):
        raise Reject(f"{REPLY_TO} holds no return address")
    return found


def through(route: str, addresses: tuple[str, ...]) -> str:
    """Return the attribute of a request whose reply comes to a route first (Smart Proxy).

    Args:
        route: The route.
        addresses: Those of the request so far.

    Raises:
        Reject: That would be too many.
    """
    if len(addresses) >= MAX_ADDRESSES:
        raise Reject(f"more than {MAX_ADDRESSES} return addresses: routes that ask each other?")
    return " ".join((route_stop(route), *addresses))


def waiting_at(text: str) -> str | None:
    """Return the address at which somebody waits for the reply; None when nobody does.

    Args:
        text: The attribute.
    """
    last = text.rpartition(" ")[2]
    return last if is_token(last) else None
