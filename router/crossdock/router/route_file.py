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
    """Destinations that the message itself decides on (Dynamic Router, Routing Slip).

    Attributes:
        expr: JSONata that gives the name of one destination, or a list of names; none is fine.
        slip: JSONata that gives a list of stops instead: the message goes to the first of them, and
            from each on to the next (Routing Slip).
        among: Every destination that it may give, so that the route can be checked.
        routes: With ``slip``: every route that may be a stop; each says ``slip: true``.
    """

    expr: str | None = None
    slip: str | None = None
    among: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if (self.expr is None) == (self.slip is None):
            raise ValueError("a computed `to` has either `expr` or `slip`")
        if self.routes and self.slip is None:
            raise ValueError("`routes` belongs to `slip`")
        if set(self.routes) & set(self.among):
            raise ValueError("a stop is a route or a destination: name it once")


class Branch(_File, frozen=True, rename={"as_": "as", "else_": "else"}):
    """One branch: when its condition holds, the message goes to its destinations.

    Attributes:
        to: Destination, or several (Recipient List), or an expression that gives them.
        when: JSONata condition over the data; a branch without one, and without ``else``, always
            holds.
        else_: Taken when no branch before it was.
        reply_via: Route with ``slip: true`` that gets the reply to what is sent, before it goes to
            whoever asked (Smart Proxy).
        as_: Contract of what is sent, ``name@range``; the accepted one when not given.
        map: JSONata that makes the data to send, or the name of a ``.jsonata`` file beside the
            route (Message Translator); the data goes on unchanged when not given.
    """

    to: str | tuple[str, ...] | Computed
    when: str | None = None
    else_: bool = False
    reply_via: str | None = None
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
        slip: Whether it is a stop of routing slips: then it takes only what a slip sends here.
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
    slip: bool = False
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
