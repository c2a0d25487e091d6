"""``delay:`` in a route file: for how long messages wait before they are sent."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from crossdock.mesh.project.scalars import Duration

Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WORKDAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri")


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class Within(_File, frozen=True, omit_defaults=True):
    """The hours in which messages may go on.

    Attributes:
        hours: From and to, ``09:00-17:00``; ``22:00-06:00`` ends on the next day.
        days: On which hours begin.
        timezone: Whose clock is meant, for example ``Europe/Berlin``.
    """

    hours: str = "00:00-24:00"
    days: tuple[Day, ...] = WORKDAYS
    timezone: str = "UTC"


class Delay(_File, frozen=True, omit_defaults=True, rename={"for_": "for"}):
    """Delayer: a message waits, and is sent when its time has come.

    Attributes:
        for_: How long after it came in.
        until: JSONata over the data that gives the time, RFC 3339 with its zone. One that is over
            lets the message go on at once.
        within: Hours in which messages may go on; out of them they wait for the next.
        at_most: The longest time that ``until`` may ask for; beyond it a message is a dead letter.
    """

    for_: Duration | None = None
    until: str | None = None
    within: Within | None = None
    at_most: Duration = Duration(366 * 86400)
