"""Named places at which a test may end the process, to see what a crash there loses or repeats.

Nothing is armed unless ``CROSSDOCK_FAIL_POINT=NAME[:NTH]`` is set: then the process ends, as by
``kill -9``, when it reaches that point for the nth time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, Literal, get_args

from crossdock.contracts import Halt

VARIABLE: Final = "CROSSDOCK_FAIL_POINT"
EXIT_CODE: Final = 137  # what a shell says of a process that ended by SIGKILL

Point = Literal[
    "received",  # a consumer has a batch, nothing is done with it
    "data-stored",  # data that is kept apart is on disk, the message that refers to it is not
    "grouped",  # members are stored with their groups, they are not acknowledged
    "held",  # what has to wait is stored, nothing is recorded
    "published",  # a route's children have their PubAck
    "inbox-marked",  # sql-out has marked its inbox, its transaction is open
    "answered",  # a sink's system has answered, the answer is not stored
    "delivered",  # a sink's effect is durable, its record is not written
    "recorded",  # effect and record are durable, nothing is acknowledged
    "accepted",  # the gateway has the PubAck, its caller has no answer
    "dead-letter-stored",  # a dead letter has its PubAck, the original is not settled
    "contents-stored",  # an apply has stored its files, the registry's head is the old one
    "head-changed",  # an apply holds, what it made superfluous is not removed
]
POINTS: Final[frozenset[str]] = frozenset(get_args(Point))

_armed: dict[str, int] = {}


def arm(environment: Mapping[str, str]) -> None:
    """Arm the point that the environment names; none when it names none.

    Raises:
        Halt: There is no such point.
    """
    _armed.clear()
    value = environment.get(VARIABLE)
    if value is None:
        return
    name, colon, nth = value.partition(":")
    if name not in POINTS or (colon and not (nth.isascii() and nth.isdigit() and int(nth) > 0)):
        points = ", ".join(sorted(POINTS))
        raise Halt(f"{VARIABLE} is {value[:80]!r}: write NAME or NAME:NTH with one of {points}")
    _armed[name] = int(nth or 1)


def reach(point: Point) -> None:
    """End the process if this point is armed and it is the time to."""
    if point not in _armed:
        return
    _armed[point] -= 1
    if _armed[point] <= 0:
        os._exit(EXIT_CODE)
