"""What becomes of a group when members arrive or its time is up: pure.

A member is in one group once (I4): whoever is in the open group, or was in one that is remembered,
does not join again. A group that is complete never changes; the next member of its key opens
another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from crossdock.contracts import Message, Reject
from crossdock.mesh.expression import Json
from crossdock.mesh.groups.state import MARK, Completed, Done, Group, Member, Reason

MAX_MEMBERS: Final = 10_000
"""Members that one group may have (I8)."""
MAX_REMEMBERED: Final = 4096
"""Members of earlier groups that a key remembers, about."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When a group is complete: by any of these, whichever comes first.

    Attributes:
        size: Members; 0 when only members say it, or nobody does.
        when: Tells from key, count and parts whether it is complete.
        timeout: Seconds after which it is complete as it is; 0 for never.
        since: From which member on the seconds count.
        counts: Whether members have numbers and go on one by one, in their order; the time is then
            for how long a gap is waited for.
        first: The first number of a key.
        late: What becomes of a member whose gap was given up.
        remember: Seconds for which members of a complete group are known again.
        max_bytes: Bytes that the members of a group may take.
    """

    size: int = 0
    when: Callable[[Json], bool] | None = None
    timeout: float = 0.0
    since: Literal["first", "last"] = "first"
    counts: bool = False
    first: int = 1
    late: Literal["send", "dead"] = "dead"
    remember: float = 3600.0
    max_bytes: int = 768 * 1024

    def deadline(self, group: Group) -> int:
        """Return when the time of an open group is up, Unix time in milliseconds; 0 for never."""
        if not self.timeout:
            return 0
        start = group.opened if self.since == "first" else group.touched
        return start + round(self.timeout * 1000)


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who wants to join a group.

    Attributes:
        key: Of its group: a JSON string, number or boolean.
        member: As it will be kept.
        message: That it comes from.
        size: How many members it says the group has; 0 when it does not.
    """

    key: Json
    member: Member
    message: Message
    size: int = 0


class Place(msgspec.Struct, frozen=True):
    """Where somebody who arrived is.

    Attributes:
        group: Id of the group.
        joined: Whether it joined now; else it had before.
        error: Why it could not join; then it is in no group.
    """

    group: str
    joined: bool = True
    error: Reject | None = None


class Closed(msgspec.Struct, frozen=True):
    """A group that became complete.

    Attributes:
        group: As it was when it did.
        content: What goes on.
    """

    group: Group
    content: Completed


class Folded(msgspec.Struct, frozen=True):
    """What arrivals made of the state of a key.

    Attributes:
        group: The new state.
        closed: Groups that became complete, in order.
        places: For each arrival.
        opened: How many groups were opened.
        had_timer: Whether the state had a timer before.
    """

    group: Group
    closed: tuple[Closed, ...]
    places: tuple[Place, ...]
    opened: int
    had_timer: bool = False

    @property
    def changed(self) -> bool:
        """Whether there is anything to store."""
        return bool(self.closed) or any(
            place.joined and place.error is None for place in self.places
        )


def fold(
    rule: Rule,
    group: Group,
    arrivals: Sequence[Arrival],
    *,
    now: int,
    mint: Callable[[], str],
) -> Folded:
    """Let members join the groups of one key, one after the other.

    Args:
        rule: When a group is complete.
        group: State of the key.
        arrivals: Who wants to join.
        now: Unix time in milliseconds.
        mint: Makes the id of a new group.
    """
    folding = _Folding(rule, group, now, mint)
    places = tuple([folding.join(each) for each in arrivals])
    return Folded(
        folding.state(), tuple(folding.closed), places, folding.opened, had_timer=group.timer > 0
    )


def expire(rule: Rule, group: Group, *, now: int) -> Folded | None:
    """Close the open group of a key if its time is up; None when it is not."""
    deadline = rule.deadline(group)
    if not group.id or not deadline or now < deadline:
        return None
    folding = _Folding(rule, group, now, lambda: "")
    folding.close("timeout")
    return Folded(folding.state(), tuple(folding.closed), (), 0, had_timer=group.timer > 0)


def close_now(rule: Rule, group: Group, *, now: int, discarded: str = "") -> Folded | None:
    """Close the open group of a key because a person wants it; None when there is none.

    Args:
        rule: When a group is complete.
        group: State of the key.
        now: Unix time in milliseconds.
        discarded: Why it is not to be sent; ``""`` when it is.
    """
    if not group.id:
        return None
    folding = _Folding(rule, group, now, lambda: "")
    folding.close("hand", discarded)
    return Folded(folding.state(), tuple(folding.closed), (), 0, had_timer=group.timer > 0)


class _Folding:
    """One fold under way."""

    def __init__(self, rule: Rule, group: Group, now: int, mint: Callable[[], str]) -> None:
        self._rule = rule
        self._now = now
        self._mint = mint
        self._done = remembered(group.done, now, rule.remember)
        self._known = {mark: each.id for each in self._done for mark in split_marks(each.marks)}
        self.closed: list[Closed] = []
        self.opened = 0
        self._take(group)

    def _take(self, group: Group) -> None:
        self._group = group
        self._members = list(group.members)
        self._bytes = sum(size_of(each) for each in self._members)
        self._known.update((each.mark, group.id) for each in self._members)
        self._parts: list[Json] | None = None

    def join(self, arrival: Arrival) -> Place:
        mark = arrival.member.mark
        known = self._known.get(mark)
        if known is not None:
            return Place(known, joined=False)
        size = size_of(arrival.member)
        if len(self._members) >= MAX_MEMBERS or self._bytes + size > self._rule.max_bytes:
            full = f"its group is full: {len(self._members)} members, {self._bytes} bytes"
            return Place("", error=Reject(full))
        before = self._group
        if not before.id:
            self._open(arrival)
        try:
            reason = self._reason(arrival)
        except Reject as error:
            self._group = before
            self._parts = None
            return Place("", error=error)
        group = self._group
        self.opened += not before.id
        self._members.append(arrival.member)
        self._bytes += size
        self._known[mark] = group.id
        self._group = msgspec.structs.replace(
            group, touched=self._now, size=max(group.size, arrival.size)
        )
        if reason is not None:
            self.close(reason)
        return Place(group.id)

    def close(self, reason: Reason, discarded: str = "") -> None:
        """Make the open group complete."""
        group = msgspec.structs.replace(self._group, members=tuple(self._members))
        content = Completed(
            key=group.key,
            reason=reason,
            opened=group.opened,
            closed=self._now,
            size=group.size or self._rule.size,
            members=tuple(sorted(group.members, key=_order)),
            discarded=discarded,
        )
        self.closed.append(Closed(group, content))
        marks = b"".join([each.mark for each in group.members])
        self._done = bounded((*self._done, Done(group.id, self._now, marks)))
        self._take(Group(key=group.key))

    def state(self) -> Group:
        return msgspec.structs.replace(self._group, members=tuple(self._members), done=self._done)

    def _open(self, arrival: Arrival) -> None:
        message = arrival.message
        self._group = Group(
            key=arrival.key,
            id=self._mint(),
            opened=self._now,
            time=message.time,
            subject=message.subject,
            extensions=message.extensions | {"correlationid": message.correlation},
        )

    def _reason(self, arrival: Arrival) -> Reason | None:
        """Tell whether the group is complete with this member, and why.

        Raises:
            Reject: The condition cannot be evaluated with it.
        """
        count = len(self._members) + 1
        size = max(self._group.size, arrival.size) or self._rule.size
        if self._rule.when is not None:
            if self._parts is None:
                self._parts = [msgspec.json.decode(each.data) for each in self._members]
            self._parts.append(msgspec.json.decode(arrival.member.data))
            view = {"key": arrival.key, "count": count, "parts": self._parts}
            if self._rule.when(view):
                return "when"
        return "size" if size and count >= size else None


def size_of(member: Member) -> int:
    """Return about how many bytes a member takes where it is stored."""
    return len(bytes(member.data)) + len(member.id) + 40


def _order(member: Member) -> tuple[int, float, str]:
    """Sort numbers before texts, and those without order last, as they joined."""
    match member.order:
        case None:
            return (2, 0.0, "")
        case str() as text:
            return (1, 0.0, text)
        case number:
            return (0, number, "")


def split_marks(marks: bytes) -> list[bytes]:
    """Return marks that stand one behind the other."""
    return [marks[at : at + MARK] for at in range(0, len(marks), MARK)]


def remembered(done: tuple[Done, ...], now: int, seconds: float) -> tuple[Done, ...]:
    """Return the groups that are not older than so many seconds."""
    oldest = now - round(seconds * 1000)
    return tuple([each for each in done if each.at >= oldest])


def bounded(done: tuple[Done, ...]) -> tuple[Done, ...]:
    """Keep the newest groups, at least one; each costs as much as eight members more."""
    kept: list[Done] = []
    left = MAX_REMEMBERED
    for each in reversed(done):
        left -= len(each.marks) // MARK + 8
        if kept and left < 0:
            break
        kept.append(each)
    return tuple(reversed(kept))
