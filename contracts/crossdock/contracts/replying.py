"""Return Address: who asked, so that whoever answers need not know them.

The attribute ``replyto`` of a request holds one token, an *address*. It goes with everything that
is made of the request, and a reply is published on ``<mesh>.reply.<address>``. Only the gateway and
the router set it: one from outside is dropped, so nobody can have replies sent to others.
"""

from __future__ import annotations

from typing import Final

from crossdock.contracts.errors import Reject
from crossdock.contracts.ids import keyed_id
from crossdock.contracts.message import Message
from crossdock.contracts.subjects import is_token

REPLY_TO: Final = "replyto"
"""The attribute that holds the return address."""
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


def address_of(message: Message) -> str | None:
    """Return the return address of a message; None when nobody waits for a reply to it.

    Raises:
        Reject: It has one that is none of ours.
    """
    address = message.extensions.get(REPLY_TO)
    if not address:
        return None
    if not is_token(address):
        raise Reject(f"{REPLY_TO} holds no return address")
    return address
