"""What a route asks of the world while it decides: values, not deeds.

Deciding stays a pure function (ADR 0006). A route that needs an answer from outside is a generator:
it yields everything that it wants to know now, and is sent the answers in the same order. Who
drives it chooses where they come from: the router calls for real, ``crossdock route test`` takes
declared replies, a replay takes what it likes.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from crossdock.contracts import Contract, CrossdockError, Message
from crossdock.mesh.expression import Json

T = TypeVar("T")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a named client (Content Enricher).

    Attributes:
        step: Where it is made: ``steps/0``.
        client: Name of the client: a file in ``calls/``.
        request: What it is asked; JSON.
        cache: Seconds for which an answer to the same request may be used again; 0 for none.
        timeout: Longest time for it in seconds; None where the client's own is enough.
        key: Tells this question of this message from every other, each time that it is asked
            again (I4); ``""`` where asking changes nothing.
    """

    step: str
    client: str
    request: Json
    cache: float = 0.0
    timeout: float | None = None
    key: str = ""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One question over the mesh (Request-Reply); answered by the data of the reply.

    Attributes:
        step: Where it is made: ``steps/0``.
        client: Name of the contract of the question.
        message: The question, with a return address of its own.
        answers: Contract of the reply.
        timeout: Longest time for the reply, in seconds.
    """

    step: str
    client: str
    message: Message
    answers: Contract
    timeout: float


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The wish to be the first with a key (Idempotent Receiver); answered by true or false.

    Attributes:
        step: Where it is made: ``steps/0``.
        key: The key.
        holder: Who wants it: the same message, or part of one, may have it again.
        window: Seconds for which it is the holder's.
    """

    step: str
    key: str
    holder: str
    window: float


class Invoke(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a Python step; answered by what it makes, None when nothing goes on.

    Attributes:
        step: Where it is made: ``steps/0``.
        function: Name of the function.
        data: What it is given.
        attributes: Of the message.
    """

    step: str
    function: str
    data: Json
    attributes: dict[str, Json]

    def __repr__(self) -> str:  # I6
        return f"Invoke(step={self.step!r}, function={self.function!r})"


Effect: TypeAlias = Call | Ask | Claim | Invoke
Answer: TypeAlias = Json | CrossdockError
"""What came of an effect: a JSON value, or the instruction that it failed with."""
Deciding: TypeAlias = Generator[tuple[Effect, ...], Sequence[Answer], T]
"""Yields effects that may run at once, is sent their answers, and returns what it decided."""
