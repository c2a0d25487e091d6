"""Resequencer: who came too early waits for those before him; pure.

A key counts: the next number goes on at once, with all that waited for it. When a gap has been
waited for long enough it is given up: the lowest number that waits becomes the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from crossdock.contracts import Reject, keyed_id
from crossdock.mesh.groups.folding import (
    MAX_MEMBERS,
    Arrival,
    Closed,
    Folded,
    Place,
    Rule,
    bounded,
    expire,
    fold,
    remembered,
    size_of,
    split_marks,
)
from crossdock.mesh.groups.state import Completed, Done, Group, Member, Reason, enclosed

_MOST_GAPS = 100


def sequence(
    rule: Rule, group: Group, arrivals: Sequence[Arrival], *, now: int, mint: Callable[[], str]
) -> Folded:
    """Let messages of one key come; those whose turn it is go on, each as a group of its own.

    Args:
        rule: Where the numbers begin, and how long a gap is waited for.
        group: State of the key.
        arrivals: Who comes; what they are sorted by is their number.
        now: Unix time in milliseconds.
        mint: Makes the id of the state while somebody waits.
    """
    sequencing = _Sequencing(rule, group, now, mint)
    places = tuple([sequencing.come(each) for each in arrivals])
    return sequencing.folded(places)


def skip(rule: Rule, group: Group, *, now: int, mint: Callable[[], str]) -> Folded | None:
    """Give up the gap of a key if it has been waited for long enough; None when it has not."""
    deadline = rule.deadline(group)
    if not deadline or now < deadline:
        return None
    return skip_now(rule, group, now=now, mint=mint)


def skip_now(rule: Rule, group: Group, *, now: int, mint: Callable[[], str]) -> Folded | None:
    """Give up the gap of a key because a person wants it; None when nothing waits."""
    if not group.id:
        return None
    sequencing = _Sequencing(rule, group, now, mint)
    sequencing.skip()
    return sequencing.folded(())


def join(
    rule: Rule, group: Group, arrivals: Sequence[Arrival], *, now: int, mint: Callable[[], str]
) -> Folded:
    """Let arrivals join, or come, as the rule wants it; see :func:`fold` and :func:`sequence`."""
    return (sequence if rule.counts else fold)(rule, group, arrivals, now=now, mint=mint)


def time_up(rule: Rule, group: Group, *, now: int, mint: Callable[[], str]) -> Folded | None:
    """Do what the rule wants when time is up; None when it is not; see :func:`expire`."""
    if rule.counts:
        return skip(rule, group, now=now, mint=mint)
    return expire(rule, group, now=now)


def number_of(member: Member) -> int:
    """Return the number of a member."""
    return int(member.order or 0)


class _Sequencing:
    """One look at the state of a key."""

    def __init__(self, rule: Rule, group: Group, now: int, mint: Callable[[], str]) -> None:
        self._rule = rule
        self._group = group
        self._now = now
        self._mint = mint
        self._done = remembered(group.done, now, rule.remember)
        self._waiting = {number_of(each): each for each in group.members}
        self._known = {mark for each in self._done for mark in split_marks(each.marks)}
        self._known.update(each.mark for each in group.members)
        self._next = rule.first if group.next is None else group.next
        self._skipped = list(group.skipped)
        self._released: list[Closed] = []

    def come(self, arrival: Arrival) -> Place:
        member = arrival.member
        number = number_of(member)
        name = self._name(member)
        if member.mark in self._known:
            return Place(name, joined=False)
        if number < self._next:
            return self._late(arrival, number)
        if number in self._waiting:
            return Place("", error=Reject(f"another one of its key has the number {number}"))
        taken = sum(size_of(each) for each in self._waiting.values()) + size_of(member)
        if len(self._waiting) >= MAX_MEMBERS or taken > self._rule.max_bytes:
            return Place("", error=Reject(f"too much waits for number {self._next} of its key"))
        self._waiting[number] = member
        self._known.add(member.mark)
        self._release("sequence")
        return Place(name)

    def skip(self) -> None:
        lowest = min(self._waiting)
        self._skipped = [*self._skipped, (self._next, lowest - 1)][-_MOST_GAPS:]
        self._next = lowest
        self._release("timeout")

    def folded(self, places: tuple[Place, ...]) -> Folded:
        marks = b"".join([each.group.members[0].mark for each in self._released])
        done = (*self._done, Done("", self._now, marks)) if marks else self._done
        before = self._group
        state = Group(
            key=before.key, next=self._next, skipped=tuple(self._skipped), done=bounded(done)
        )
        opened = 0
        if self._waiting:
            same = before.id and before.next in (None, self._next) and not self._released
            opened = not before.id
            state = msgspec.structs.replace(
                state,
                id=before.id or self._mint(),
                opened=before.opened if same else self._now,
                touched=self._now,
                timer=before.timer if same else 0,
                members=tuple([self._waiting[each] for each in sorted(self._waiting)]),
            )
        return Folded(state, tuple(self._released), places, int(opened), had_timer=before.timer > 0)

    def _late(self, arrival: Arrival, number: int) -> Place:
        """Say what becomes of one whose turn is over."""
        gap = next((each for each in self._skipped if each[0] <= number <= each[1]), None)
        if gap is None:
            return Place("", error=Reject(f"another one of its key had the number {number}"))
        if self._rule.late == "dead":
            return Place("", error=Reject(f"comes after the gap at number {number} was given up"))
        self._known.add(arrival.member.mark)
        self._go(arrival.member, "late")
        return Place(self._name(arrival.member))

    def _release(self, reason: Reason) -> None:
        while self._next in self._waiting:
            self._go(self._waiting.pop(self._next), reason)
            self._next += 1

    def _go(self, member: Member, reason: Reason) -> None:
        message = enclosed(member)
        alone = Group(
            key=self._group.key,
            id=self._name(member),
            opened=self._now,
            time=message.time,
            subject=message.subject,
            extensions=message.extensions | {"correlationid": message.correlation},
            members=(member,),
        )
        content = Completed(
            key=alone.key,
            reason=reason,
            opened=self._now,
            closed=self._now,
            size=1,
            members=alone.members,
        )
        self._released.append(Closed(alone, content))

    @staticmethod
    def _name(member: Member) -> str:
        """Return the id of what goes on for a member: always the same for the same."""
        return keyed_id("sequence", member.mark.hex())
