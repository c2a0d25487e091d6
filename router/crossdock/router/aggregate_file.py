"""``aggregate:`` in a route file: how messages come together, and when that is enough."""

from __future__ import annotations

from typing import Literal

import msgspec

from crossdock.mesh.project.scalars import Duration


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class Complete(_File, frozen=True, omit_defaults=True):
    """When a group is complete: by any of these, whichever comes first.

    Attributes:
        size: How many members it has: a number, or JSONata over a member's data that gives it.
        when: JSONata condition over ``key``, ``count`` and ``parts``, the data of the members so
            far, in the order in which they joined.
        timeout: When this time is up, the group is complete as it is.
        since: Whether the time counts from the first member on, or anew from each.
        partial: What becomes of a group whose time is up: it is sent as it is, or becomes a dead
            letter.
    """

    size: int | str | None = None
    when: str | None = None
    timeout: Duration | None = None
    since: Literal["first", "last"] = "first"
    partial: Literal["send", "dead"] = "send"


class Aggregate(_File, frozen=True, omit_defaults=True, rename={"as_": "as"}):
    """Aggregator: messages of one key become one message.

    Attributes:
        by: JSONata that gives the key: text, number or boolean.
        complete: When a group is complete.
        map: JSONata that makes the data of the group from ``key``, ``count``, ``parts`` and
            ``reason``; or the name of a ``.jsonata`` file beside the route. The list of parts when
            not given.
        as_: Contract of the group, ``name@range``.
        order: JSONata over a member's data that gives the number or text by which the parts are
            sorted; the order in which they joined when not given.
        remember: For how long a member of a complete group is known again.
    """

    by: str
    complete: Complete
    as_: str
    map: str | None = None
    order: str | None = None
    remember: Duration = Duration(3600)
