"""What a component is to the loop that consumes for it: its settings, its handler, its states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from crossdock.contracts import CrossdockError
from crossdock.mesh.bus import Incoming
from crossdock.mesh.project.settings import Policy, Throttle

State = Literal["starting", "running", "paused", "halted", "stopped"]
Outcome = CrossdockError | None
Event = Literal["taken", "dead", "retried"]
Observer = Callable[[Event, int], None]
"""Told what happened to how many messages; the handler itself counts what it did with the others:
so taken = done + dead + retried + held at any time between two calls (I9)."""


class Key(Protocol):
    """Gives the order key of messages (I7)."""

    def __call__(self, incoming: Incoming, data: bytes | None = None) -> str | None:
        """Return the key of a message, None for one that keeps no order.

        Args:
            incoming: The message.
            data: Its data, if that had to be fetched.

        Raises:
            DataElsewhere: Its data has to be fetched for that.
            Reject: It should have a key and has none.
            Retry: There was no time.
        """
        ...


class DataElsewhere(Exception):
    """The data of a message is kept apart from it (Claim Check).

    Attributes:
        check: With which it is fetched.
    """

    def __init__(self, check: str) -> None:
        super().__init__("its data is kept apart")
        self.check = check


class Handler(Protocol):
    """What a component does with a batch of messages."""

    async def __call__(self, batch: Sequence[Incoming]) -> Sequence[Outcome]:
        """Return for each message None when its effects are durable, or why not.

        Raising speaks for the whole batch: ``Disconnected`` and ``Halt`` as they are, anything else
        makes the runtime try each message on its own. It may be called again with a message that
        has had its effect; that must have none then (I4). Cancellation means: out of time.
        """
        ...


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """What consumes.

    Attributes:
        kind: Route, the second half of one for its groups, or destination.
        name: Its name.
        policy: What to do on failure.
        batch: Most messages that the handler is given at once.
        lanes: How many batches are worked on at the same time.
        throttle: How many messages it takes in a time, with all replicas; None for all it can.
        key: What keeps its messages in order; None when they keep none.
        runs: Whether its handler may be given several messages of a key at once: then none has its
            effect unless all before it in the batch have, or are dead letters.
        revision: What records call its present state, for a route.
        done: What was done of a message that is not finished: kept with its dead letter, so that
            it goes on from the step that failed when it is sent again (I3).
    """

    kind: Literal["route", "group", "destination"]
    name: str
    policy: Policy
    batch: int = 500
    lanes: int = 1
    throttle: Throttle | None = None
    key: Key | None = None
    runs: bool = False
    revision: str = ""
    done: Callable[[Incoming], str] = lambda _: ""
