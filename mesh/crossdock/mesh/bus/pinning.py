"""Pulling by one client at a time: the broker pins one, the others stand by.

Consumer priority groups with the policy ``pinned_client`` (ADR-42 of the server, 2.11 and later).
Tried on nats-server 2.15.1: a consumer can be changed to this policy and back while it has
unsettled messages; the pin is given with a message and named in the header of each; the broker
forgets it when it starts anew; acknowledgements and signs of life are taken from anybody.
"""

from __future__ import annotations

import asyncio
import contextlib
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected
from crossdock.mesh.bus.consumer_spec import NANOSECONDS, PINNED
from crossdock.mesh.bus.pulling import Puller

if TYPE_CHECKING:
    from nats.aio.msg import Msg

PIN: Final = "Nats-Pin-Id"
_EXPIRES: Final = 4.0
_HEARTBEAT: Final = 2.0
_OTHER_IS_PINNED: Final = "423"
_MORE: Final = "more-"
_KEEP: Final = "keep-"
_GROUP: Final[str] = PINNED["priority_groups"][0]


class Unsettled(msgspec.Struct, frozen=True):
    """What a consumer has delivered and nobody has settled.

    Attributes:
        delivered: Number of its last delivery.
        count: How many messages are unsettled after it.
    """

    delivered: int
    count: int


class PinnedPuller(Puller):
    """Receives from one durable consumer, of all replicas the only one while it is pinned."""

    _pin = ""
    _asked = 0.0
    _sure = -1
    _lost_at = 0.0
    _gained_at = 0.0

    @property
    def pinned(self) -> bool:
        """Whether, by all we know, no other client is given messages."""
        return bool(self._pin) and self._client.is_connected and self._sure == self._connections

    def absence(self) -> float:
        """Return the seconds for which another client may have been pinned instead of this one.

        After this one is pinned anew, they are told once.
        """
        if not self._lost_at:
            return 0.0
        if not self._pin:
            return monotonic() - self._lost_at
        absence, self._lost_at = self._gained_at - self._lost_at, 0.0
        return absence

    async def unsettled(self) -> Unsettled:
        """Ask what is delivered and not settled.

        Raises:
            Disconnected: The broker does not answer.
        """
        try:
            info = await self._api(f"CONSUMER.INFO.{self._name}", {})
            return Unsettled(info["delivered"]["consumer_seq"], info["num_ack_pending"])
        except (NatsError, KeyError) as error:
            why = type(error).__name__
            raise Disconnected(f"consumer {self.spec.durable} does not answer: {why}") from error

    async def keep(self) -> None:
        """Stay pinned while nothing more is wanted; this may bring one message.

        Raises:
            NatsError: The broker is away.
        """
        if self.pinned and monotonic() - self._asked > _HEARTBEAT:
            await self._pull({"batch": 1, "no_wait": True}, _KEEP)

    async def stop(self) -> None:
        """Stop listening, give back what was not handed out, and let another be pinned."""
        await super().stop()
        if self.pinned:
            with contextlib.suppress(NatsError):
                await self._api(f"CONSUMER.UNPIN.{self._name}", {"group": _GROUP})
        self._pin = ""

    @property
    def _connections(self) -> int:
        return int(self._client.stats["reconnects"])

    async def _ask(self) -> None:
        self._beat = _HEARTBEAT  # of all pinned ones: the pin does not wait longer
        self._open = self.prefetch
        self._last_sign = asyncio.get_running_loop().time()
        await self._pull(
            {
                "batch": self.prefetch,
                "expires": int(_EXPIRES * NANOSECONDS),
                "idle_heartbeat": int(_HEARTBEAT * NANOSECONDS),
            },
            _MORE,
        )

    async def _pull(self, request: dict[str, Any], reply: str) -> None:
        self._asked = monotonic()
        request["group"] = _GROUP
        if self._pin:
            request["id"] = self._pin
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._name}"
        await self._client.publish(
            subject, msgspec.json.encode(request), reply=f"{self._inbox}.{reply}{self._pin}"
        )

    async def _on_message(self, msg: Msg) -> None:
        headers = msg.headers or {}
        status = headers.get("Status", "")
        if status == _OTHER_IS_PINNED:
            self._lose(msg.subject)
        else:
            self._gain(headers.get(PIN, ""))
            self._sure = self._connections
        if msg.subject.startswith(f"{self._inbox}.{_KEEP}"):
            return
        await super()._on_message(msg)

    def _on_status(self, status: str) -> None:
        if status == _OTHER_IS_PINNED:
            self._open = 0  # at once again, now as one who stands by
            self._arrived.set()
            return
        super()._on_status(status)

    def _gain(self, pin: str) -> None:
        if pin and pin != self._pin:
            self._pin, self._gained_at = pin, monotonic()

    def _lose(self, asked: str) -> None:
        """Note that the pin with which something was asked is no longer ours."""
        if self._pin and asked.endswith(self._pin):
            self._lost_at = monotonic()
            self._pin = ""
