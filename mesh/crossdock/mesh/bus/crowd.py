"""The pullers of one connection: what they share, so that a thousand idle ones cost little.

Each puller keeps one pull request open, with heartbeats that tell that the server still knows it.
The more pullers there are, the rarer is each one's heartbeat: each costs router and server as much
as several messages. What would be noticed late by that, a server that began anew, is told to all of
them as soon as the connection is back. A new leader of a consumer answers the requests that the one
before it had, also when that was killed.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final, Protocol
from weakref import WeakSet

from crossdock.mesh.bus.rounds import Rounds, Visited

_BEAT: Final = 2.0  # seconds, for a few
_BEATS_A_SECOND: Final = 25  # of all together
_JITTER: Final = 0.3
_SEEN_TO_AT_ONCE: Final = 32
_LOOK_EVERY: Final = 1.0


class Member(Visited, Protocol):
    """A puller, as the others of its connection know it."""

    def doubt(self) -> None:
        """Take the open request as lost, and see to the consumer before the next one."""


class Crowd:
    """The pullers of one connection.

    Attributes:
        seeing: Bounds how many see to their consumers at once: a thousand requests to the server's
            API together would wait for each other longer than any of them may (I8).
    """

    def __init__(self) -> None:
        self._members: WeakSet[Member] = WeakSet()
        self._rounds = Rounds(_LOOK_EVERY)
        self.seeing = asyncio.Semaphore(_SEEN_TO_AT_ONCE)

    def join(self, member: Member) -> None:
        """Take note of one that will listen."""
        self._members.add(member)

    def listen(self, member: Member) -> None:
        """Take note of one that listens from now on, and visit it until it leaves."""
        self._members.add(member)
        self._rounds.join(member)

    def leave(self, member: Member) -> None:
        """Take note of one that listens no more. Safe twice."""
        self._members.discard(member)
        self._rounds.leave(member)

    def doubt(self) -> None:
        """Tell all that the connection was lost and is back."""
        for each in list(self._members):
            each.doubt()

    def beat(self) -> float:
        """Return the seconds between heartbeats of one more request; they do not beat together."""
        longest = max(_BEAT, len(self._members) / _BEATS_A_SECOND)
        return longest * (1 - random.random() * _JITTER)  # noqa: S311 - jitter, no secret
