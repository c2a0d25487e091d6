"""Whether all that is delivered and not settled is in our hands. Pure.

What another replica held when it ended is delivered again only after the acknowledgement wait,
while new messages come at once: a newer message of a key would overtake an older one. So nothing is
begun until nobody else holds anything (I7).

A consumer numbers its deliveries. As long as each has the number after the one before and names the
same pin, all deliveries came to us. When they do not, another replica was pinned, deliveries were
lost with a connection, or the broker began anew: then what is unsettled at the broker is counted
against what is in our hands.
"""

from __future__ import annotations

from collections.abc import Iterable

from crossdock.mesh.bus import Incoming, Unsettled
from crossdock.mesh.bus.pinning import PIN
from crossdock.mesh.ordering.lanes import Item

_MORE = 3.0


class Takeover:
    """Watches the deliveries of one consumer.

    Attributes:
        open: Somebody else may hold earlier messages.
    """

    def __init__(self, ack_wait: float) -> None:
        """Begin not knowing who holds what.

        Args:
            ack_wait: Seconds after which the broker delivers again what nobody speaks for.
        """
        self.open = True
        self._ack_wait = ack_wait
        self._pin = ""
        self._last = 0
        self._not_before = 0.0

    @property
    def seen(self) -> int:
        """Consumer sequence of the last delivery."""
        return self._last

    def saw(self, incoming: Incoming) -> None:
        """Note a delivery, in the order in which they came."""
        pin = incoming.headers.get(PIN, "")
        number = incoming.consumer_sequence
        if number != self._last + 1 or pin != self._pin:
            self.open = True
        self._last, self._pin = number, pin

    def look(self, unsettled: Unsettled, held: Iterable[Item], now: float) -> None:
        """Compare what the broker has unsettled with what is in hand.

        Args:
            unsettled: What the broker said.
            held: All that is in hand and was not settled before it said it.
            now: :func:`time.monotonic`.
        """
        if self._last < unsettled.delivered:
            return  # some of it is still on its way to us
        ours = sum(1 for item in held if item.first <= unsettled.delivered)
        if unsettled.count < ours:
            # Another replica, which had been frozen, settles what we hold: then equal numbers
            # prove nothing until all that it still held has come to us.
            self._not_before = now + self._ack_wait + _MORE
        self.open = unsettled.count > ours or now < self._not_before
