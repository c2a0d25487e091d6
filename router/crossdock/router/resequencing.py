"""Resequencer: the number of a message, and the message whose turn has come. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from crossdock.contracts import Message, Reject
from crossdock.mesh.expression import Expression, Json
from crossdock.mesh.groups import Arrival, Member, Rule
from crossdock.mesh.groups.state import enclose, enclosed, mark_of, read_completed
from crossdock.router.aggregating import LEAST_TIME, key_of
from crossdock.router.compile_scope import CompileScope
from crossdock.router.resequence_file import Resequence

NAME: Final = "resequence"
_MOST: Final = 2**53


class Resequencer(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled ``resequence``.

    Attributes:
        by: Gives the key.
        number: Gives the number.
        rule: Where numbers begin and for how long a gap is waited for.
    """

    by: Expression
    number: Expression
    rule: Rule

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield both expressions, each with its JSON Pointer in the route file."""
        yield f"/{NAME}/by", self.by
        yield f"/{NAME}/number", self.number

    def arrival(self, message: Message, value: Json, variables: dict[str, Json]) -> Arrival:
        """Return a message as one that waits for its turn.

        Raises:
            Reject: It has no key, or no number.
        """
        number = self.number.evaluate(value, variables or None)
        if isinstance(number, bool) or not isinstance(number, int | float) or number % 1:
            raise Reject(f"{NAME}/number gives no whole number")
        if not -_MOST < number < _MOST:
            raise Reject(f"{NAME}/number gives a number beyond 2^53")
        key = key_of(self.by.evaluate(value, variables or None), f"{NAME}/by")
        member = Member(mark_of(message), message.id, float(number), enclose(message))
        return Arrival(key=key, member=member, message=message)


def next_in_turn(message: Message) -> Message:
    """Return the message whose turn has come.

    Raises:
        Reject: There is none in it.
    """
    try:
        (member,) = read_completed(message.data).members
        return enclosed(member)
    except (msgspec.DecodeError, ValueError) as error:
        raise Reject(f"holds no message: {error}") from error


def compile_resequence(written: Resequence | None, scope: CompileScope) -> Resequencer | None:
    """Make it ready to run; None when there is none, or something is wrong with it."""
    if written is None:
        return None
    if written.gap < LEAST_TIME:
        scope.wrong(f"/{NAME}/gap", f"at least {LEAST_TIME:g} s")
    if written.remember < 1:
        scope.wrong(f"/{NAME}/remember", "at least 1 s")
    by = scope.expression(written.by, f"/{NAME}/by")
    number = scope.expression(written.number, f"/{NAME}/number")
    if by is None or number is None:
        return None
    rule = Rule(
        counts=True,
        first=written.first,
        late=written.late,
        timeout=float(written.gap),
        remember=float(written.remember),
    )
    return Resequencer(by=by, number=number, rule=rule)
