"""What a route made of one message, as a value."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from crossdock.contracts import Problem
from crossdock.mesh.groups import Arrival
from crossdock.router.conditions import Condition
from crossdock.router.delaying import Held
from crossdock.router.flow import Child, Ran

WHERE: Final = "where does not hold"
NO_BRANCH: Final = "no branch holds"
EXPIRED: Final = "expired"
NO_DESTINATION: Final = "no destination was chosen"
NO_MORE_STOPS: Final = "its routing slip is at its end, or it has none"
NOBODY_WAITS: Final = "nobody waits for a reply: the message has no return address"
NOT_ACCEPTED: Final = "contract or version is not accepted by this route"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a route made of one message. Holds no payload except in the children's data.

    Attributes:
        outcome: ``routed`` went to a branch; ``grouped`` joins a group; ``delayed`` waits for its
            time; ``filtered`` is done with; ``rejected`` can never be processed as it is and
            becomes a dead letter.
        children: What to publish: all of it or nothing. One that is filtered may have some, too: a
            tap sends its copy whatever becomes of the message.
        conditions: Those that were evaluated, in order; the others were not needed. Where a message
            was split, each outcome of a condition is there once.
        branches: Those that were taken: ``send/0``.
        steps: Those that ran, in the order of the file.
        reason: One line for a person: why it was filtered or rejected, or why a group is complete.
        problems: Everything that is wrong with the data, of a rejected one.
        arrivals: What joins groups, of a grouped one.
        held: What waits, of a delayed one.
    """

    outcome: Literal["routed", "grouped", "delayed", "filtered", "rejected"]
    children: tuple[Child, ...] = ()
    conditions: tuple[Condition, ...] = ()
    branches: tuple[str, ...] = ()
    steps: tuple[Ran, ...] = ()
    reason: str = ""
    problems: tuple[Problem, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    held: tuple[Held, ...] = ()
