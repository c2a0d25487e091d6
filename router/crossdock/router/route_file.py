"""``routes/*.yaml``: one route a file."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from crossdock.mesh.project.settings import Throttle
from crossdock.router.aggregate_file import Aggregate
from crossdock.router.delay_file import Delay
from crossdock.router.resequence_file import Resequence
from crossdock.router.step_file import Step


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class Computed(_File, frozen=True):
    """Destinations that the message itself decides on (Dynamic Router).

    Attributes:
        expr: JSONata that gives the name of one destination, or a list of names; none is fine.
        among: Every destination that it may give, so that the route can be checked.
    """

    expr: str
    among: tuple[str, ...]


class Branch(_File, frozen=True, rename={"as_": "as", "else_": "else"}):
    """One branch: when its condition holds, the message goes to its destinations.

    Attributes:
        to: Destination, or several (Recipient List), or an expression that gives them.
        when: JSONata condition over the data; a branch without one, and without ``else``, always
            holds.
        else_: Taken when no branch before it was.
        as_: Contract of what is sent, ``name@range``; the accepted one when not given.
        map: JSONata that makes the data to send, or the name of a ``.jsonata`` file beside the
            route (Message Translator); the data goes on unchanged when not given.
    """

    to: str | tuple[str, ...] | Computed
    when: str | None = None
    else_: bool = False
    as_: str | None = None
    map: str | None = None


class RouteFile(_File, frozen=True):
    """The whole of a route file.

    Attributes:
        route: Name: ``a-z 0-9 _ -``.
        accepts: Contract, or several, ``name@range``.
        description: For people.
        where: JSONata condition (Message Filter): when it does not hold, the message is filtered.
        order: Messages with the same value stay in order, also across retries and replicas: a
            JSONata expression, or the word ``partitionkey`` for the attribute of that name.
        resequence: Resequencer: messages go on in the order of their numbers, before all else.
        steps: What the message goes through before it is sent, in this order.
        aggregate: Aggregator: messages of one key become one, which is then sent.
        delay: Delayer: what the steps have made waits, and is sent when its time has come.
        send: Content-Based Router: the first branch that holds is taken.
        send_all: Recipient List: every branch that holds is taken.
        expired: What becomes of a message that comes in after its ``expirytime``: ``drop`` filters
            it, ``dead`` makes a dead letter of it.
        throttle: Throttler: how many messages the route takes in a time, with all replicas.
        on_failure: Name of the failure policy.
        examples: For ``crossdock route test``.
    """

    route: str
    accepts: str | tuple[str, ...]
    description: str = ""
    where: str | None = None
    order: str | None = None
    resequence: Resequence | None = None
    steps: tuple[Step, ...] = ()
    aggregate: Aggregate | None = None
    delay: Delay | None = None
    send: tuple[Branch, ...] = ()
    send_all: tuple[Branch, ...] = ()
    expired: Literal["drop", "dead"] = "drop"
    throttle: Throttle | None = None
    on_failure: str = "standard"
    examples: tuple[dict[str, Any], ...] = ()


def destinations_of(branch: Branch) -> tuple[str, ...]:
    """Return every destination that a branch may send to."""
    to = branch.to
    if isinstance(to, Computed):
        return to.among
    return (to,) if isinstance(to, str) else to
