"""What comes to an instance of a process, and what becomes of that."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from crossdock.contracts import CrossdockError, Message, keyed_id
from crossdock.mesh.expression import Json

ORDER_TYPE: Final = "crossdock.process.order"
"""CloudEvents type of what a person wants of an instance."""
HINT_TYPE: Final = "crossdock.process.step"
"""CloudEvents type of the hint that a step has something to send."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A message that comes to an instance.

    Attributes:
        key: Of the instance.
        message: The message.
        value: Its data.
        mark: By which it is known again.
        waited: It has waited already, and does not wait again.
    """

    key: Json
    message: Message
    value: Json
    mark: bytes
    waited: bool = False

    def __repr__(self) -> str:  # I6
        return f"Arrival({self.message!r})"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants of an instance.

    Attributes:
        id: Of the order: the same one is followed once.
        name: ``resume`` one that is stuck, ``cancel`` one that runs.
        token: Of the key of the instance.
        by: Who.
        reason: Why, in their words.
    """

    id: str
    name: Literal["resume", "cancel"]
    token: str
    by: str
    reason: str = ""


class Sent(msgspec.Struct, frozen=True):
    """The commands up to a step are stored where they go.

    Attributes:
        number: Of the step.
    """

    number: int


Event: TypeAlias = Arrival | Order | Sent


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """A step has something to send, or somebody has to look at it.

    Attributes:
        token: Of the key of the instance.
        instance: Id of the instance.
        number: Of the step.
        stuck: Why the instance does not go on, ``""`` when it does.
    """

    token: str
    instance: str
    number: int
    stuck: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What became of something that came.

    Attributes:
        outcome: ``grouped``: it waits, or what it led to has still to be sent; ``routed``: it was
            taken, and nothing is to be sent; ``filtered``: nobody wanted it.
        detail: Why, in one line without payload (I6).
        steps: Ids of the steps that tell on: what it led to, or may lead to.
        error: Why it could not be taken; then nothing has changed.
    """

    outcome: Literal["grouped", "routed", "filtered"] = "filtered"
    detail: str = ""
    steps: tuple[str, ...] = ()
    error: CrossdockError | None = None


def token_of(process: str, key: Json) -> str:
    """Return what stands for a key in subjects."""
    return keyed_id("process", process, msgspec.json.encode(key, order="sorted").decode())
