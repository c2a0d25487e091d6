"""What an implementation brings to its conformance run: the system it connects, and its limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from crossdock.workers.adapter import Delivery, Received, Sink, Source

MARK: Final = "conformance-payload-mark"
"""Text that each payload must hold: it may never be seen in a log, a repr or an error (I6)."""


class SourceFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """What a source declares; the default is everything.

    Attributes:
        ordered: Things come in the order in which they were put.
        stable_ids: A thing received again has the same id.
        survives_restart: What was not acknowledged comes again in a new process, too.
        can_disconnect: There is something to be cut from.
    """

    ordered: bool = True
    stable_ids: bool = True
    survives_restart: bool = True
    can_disconnect: bool = True


class SinkFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink declares; the default is everything.

    Attributes:
        ordered: A batch has its effects in its order.
        effect_once: A message that comes again has no second effect.
        can_disconnect: There is something to be cut from.
        can_refuse: The system refuses some messages for good.
    """

    ordered: bool = True
    effect_once: bool = True
    can_disconnect: bool = True
    can_refuse: bool = True


class SourceHarness(Protocol):
    """One system with nothing in it, fresh for each check."""

    @property
    def features(self) -> SourceFeatures:
        """What the source declares."""

    def make(self, batch: int) -> Source:
        """Return a new source on the system, as a restarted process would make it."""

    async def put(self, numbers: Sequence[int]) -> None:
        """Bring one thing per number into the system, in order, each payload holding ``MARK``.

        Some source was open before, so that a system with subscriptions knows of it.
        """

    def number(self, received: Received) -> int:
        """Return the number of a thing that was put."""

    async def cut(self) -> None:
        """Make the system unreachable. Only with ``can_disconnect``."""

    async def heal(self) -> None:
        """Make it reachable again, with what was in it."""


class SinkHarness(Protocol):
    """One system with nothing in it, fresh for each check."""

    @property
    def features(self) -> SinkFeatures:
        """What the sink declares."""

    def make(self) -> Sink:
        """Return a new sink on the system, as a restarted process would make it."""

    def delivery(self, number: int) -> Delivery:
        """Return the delivery for a number: the same number, the same id; holding ``MARK``."""

    def refused(self) -> Delivery:
        """Return a delivery holding ``MARK`` that is refused. Only with ``can_refuse``."""

    async def effects(self) -> list[int]:
        """Return the numbers whose effect is seen in the system, in the order of the effects."""

    async def cut(self) -> None:
        """Make the system unreachable. Only with ``can_disconnect``."""

    async def heal(self) -> None:
        """Make it reachable again, with what was in it."""
