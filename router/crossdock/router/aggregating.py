"""Aggregator: which group a message belongs to, and what a complete group becomes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from crossdock.contracts import Contract, Message, Reject
from crossdock.mesh.expression import UNDEFINED, Expression, Json
from crossdock.mesh.groups import Arrival, Completed, Member, Rule
from crossdock.mesh.groups.folding import MAX_MEMBERS
from crossdock.mesh.groups.state import mark_of
from crossdock.router.aggregate_file import Aggregate
from crossdock.router.compile_scope import CompileScope
from crossdock.router.flow import Flow

NAME: Final = "aggregate"
_MAX_KEY: Final = 1000
LEAST_TIME: Final = 0.1
"""Seconds that a timer is set for, at least."""


class Aggregator(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled ``aggregate``.

    Attributes:
        by: Gives the key.
        size: Gives how many members there are; None when members do not say.
        when: Tells from the parts whether the group is complete; None for never.
        order: Gives what the parts are sorted by; None for the order of arrival.
        mapping: Makes the data of the group; None for the list of its parts.
        contract: That the data of the group keeps.
        rule: When a group is complete.
        partial_dies: Whether a group whose time is up becomes a dead letter.
    """

    by: Expression
    size: Expression | None
    when: Expression | None
    order: Expression | None
    mapping: Expression | None
    contract: Contract
    rule: Rule
    partial_dies: bool

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield every expression, with its JSON Pointer in the route file."""
        yield f"/{NAME}/by", self.by
        for pointer, each in (
            ("complete/size", self.size),
            ("complete/when", self.when),
            ("order", self.order),
            ("map", self.mapping),
        ):
            if each is not None:
                yield f"/{NAME}/{pointer}", each

    def arrival(self, message: Message, flow: Flow) -> Arrival:
        """Return a message, or a part of one, as a member of its group.

        Args:
            message: That came in.
            flow: What it is after the steps.

        Raises:
            Reject: It has no key, or something else that cannot be.
        """
        flow.check_exact(NAME)
        order = None if self.order is None else _sortable(self._value(self.order, flow))
        size = 0 if self.size is None else _count(self._value(self.size, flow))
        member = Member(
            mark=mark_of(message, "/".join(map(str, flow.part))),
            id=message.id,
            order=order,
            data=msgspec.Raw(flow.bytes()),
        )
        return Arrival(
            key=key_of(self._value(self.by, flow)), member=member, message=message, size=size
        )

    def flow_of(self, group: Completed) -> Flow:
        """Return what a complete group sends.

        Raises:
            Reject: Its time was up and only whole groups are sent; or it cannot be made.
        """
        if group.reason == "timeout" and self.partial_dies:
            of = f" of {group.size}" if group.size else ""
            raise Reject(f"{NAME}: its time is up with {len(group.members)}{of} members")
        parts = [msgspec.json.decode(each.data) for each in group.members]
        if self.mapping is None:
            flow = Flow(data=None, raw=None, contract=None)
            return flow.changed(NAME, parts, self.contract)
        view = {"key": group.key, "count": len(parts), "parts": parts, "reason": group.reason}
        data, raw = self.mapping.transform(view)
        return Flow(data=None, raw=None, contract=None).changed(NAME, data, self.contract, raw)

    @staticmethod
    def _value(expression: Expression, flow: Flow) -> Json:
        return expression.evaluate(flow.data, flow.variables or None)


def compile_aggregate(written: Aggregate | None, scope: CompileScope) -> Aggregator | None:
    """Make it ready to run; None when there is none, or something is wrong with it."""
    if written is None:
        return None
    complete = written.complete
    sized = isinstance(complete.size, int)
    if complete.size is None and complete.when is None and complete.timeout is None:
        scope.wrong(f"/{NAME}/complete", "never complete: give it `size`, `when` or `timeout`")
    if isinstance(complete.size, int) and not 1 <= complete.size <= MAX_MEMBERS:
        scope.wrong(f"/{NAME}/complete/size", f"a size is a number from 1 to {MAX_MEMBERS}")
    if complete.timeout is not None and complete.timeout < LEAST_TIME:
        scope.wrong(f"/{NAME}/complete/timeout", f"at least {LEAST_TIME:g} s")
    if written.remember < 1:
        scope.wrong(f"/{NAME}/remember", "at least 1 s")
    by = scope.expression(written.by, f"/{NAME}/by")
    size = None if sized else scope.expression(complete.size, f"/{NAME}/complete/size")  # type: ignore[arg-type] # no int here
    when = scope.expression(complete.when, f"/{NAME}/complete/when")
    order = scope.expression(written.order, f"/{NAME}/order")
    mapping = scope.expression(written.map, f"/{NAME}/map")
    contract = scope.contract(written.as_, f"/{NAME}/as")
    if by is None or contract is None:
        return None
    return Aggregator(
        by=by,
        size=size,
        when=when,
        order=order,
        mapping=mapping,
        contract=contract,
        rule=Rule(
            size=complete.size if isinstance(complete.size, int) else 0,
            when=None if when is None else when.holds,
            timeout=float(complete.timeout or 0),
            since=complete.since,
            remember=float(written.remember),
        ),
        partial_dies=complete.partial == "dead",
    )


def key_of(value: Json, place: str = f"{NAME}/by") -> Json:
    """Return a value that may be a key.

    Raises:
        Reject: It may not.
    """
    if not isinstance(value, str | int | float | bool):
        found = "nothing" if value is None or value is UNDEFINED else "a list or an object"
        raise Reject(f"{place} gives {found}: a key is a text, a number or a boolean")
    if isinstance(value, str) and len(value) > _MAX_KEY:
        raise Reject(f"{place} gives a key of {len(value)} characters; {_MAX_KEY} are allowed")
    return value


def _sortable(value: Json) -> float | str | None:
    if value is None or value is UNDEFINED:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Reject(f"{NAME}/order gives neither a number nor a text")
    return value if isinstance(value, str) else float(value)


def _count(value: Json) -> int:
    if value is None or value is UNDEFINED:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise Reject(f"{NAME}/complete/size gives no whole number")
    if not 1 <= value <= MAX_MEMBERS:
        raise Reject(f"{NAME}/complete/size gives a number that is not from 1 to {MAX_MEMBERS}")
    return int(value)
