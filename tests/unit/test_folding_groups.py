"""Who is in which group, and when it is complete: without a broker."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec

from crossdock.contracts import Message, Reject
from crossdock.mesh.expression import Expression
from crossdock.mesh.groups import Arrival, Group, Member, Rule
from crossdock.mesh.groups.folding import MAX_REMEMBERED, Folded, expire, fold
from crossdock.mesh.groups.state import mark_of, read_group

NOW = 1_000_000


def arrival(number: int, *, order: float | str | None = None, size: int = 0) -> Arrival:
    message = Message(id=f"m{number}", source="/test", type="a.b.c", time="2026-01-01T00:00:00Z")
    data = msgspec.Raw(b'{"n":%d}' % number)
    member = Member(mark_of(message), message.id, order, data)
    return Arrival(key="k", member=member, message=message, size=size)


def folded(
    rule: Rule, arrivals: Iterable[Arrival], group: Group | None = None, *, now: int = NOW
) -> Folded:
    ids = (f"g{number}" for number in itertools.count(1))
    start = group or Group(key="k")
    return fold(rule, start, list(arrivals), now=now, mint=lambda: next(ids))


def members(result: Folded) -> list[list[str]]:
    return [[each.id for each in closed.content.members] for closed in result.closed]


def test_a_group_is_complete_with_its_size_and_the_next_member_opens_another() -> None:
    result = folded(Rule(size=2), map(arrival, range(5)))
    assert members(result) == [["m0", "m1"], ["m2", "m3"]]
    assert [each.id for each in result.group.members] == ["m4"]
    assert [place.group for place in result.places] == ["g1", "g1", "g2", "g2", "g3"]
    assert result.opened == 3


def test_a_member_that_comes_again_joins_nothing_I4() -> None:
    first = folded(Rule(size=2), map(arrival, range(3)))
    again = folded(Rule(size=2), map(arrival, range(3)), first.group)
    assert not again.changed
    assert [(place.group, place.joined) for place in again.places] == [
        ("g1", False),
        ("g1", False),
        ("g2", False),
    ]


def test_a_member_of_a_complete_group_is_known_for_as_long_as_the_rule_says() -> None:
    rule = Rule(size=1, remember=60)
    group = folded(rule, [arrival(1)]).group
    assert not folded(rule, [arrival(1)], group, now=NOW + 59_000).changed
    assert folded(rule, [arrival(1)], group, now=NOW + 61_000).changed


def test_the_memory_of_a_busy_key_is_bounded_I8() -> None:
    result = folded(Rule(size=10), map(arrival, range(20_000)))
    remembered = sum(len(each.marks) // 8 for each in result.group.done)
    assert MAX_REMEMBERED // 2 < remembered <= MAX_REMEMBERED
    assert len(msgspec.json.encode(result.group)) < 100_000


def test_members_are_sorted_by_what_was_evaluated_and_the_rest_comes_last() -> None:
    orders: list[float | str | None] = [None, "b", 3, 1.5, "a"]
    arrivals = [arrival(at, order=order) for at, order in enumerate(orders)]
    assert members(folded(Rule(size=5), arrivals)) == [["m3", "m2", "m4", "m1", "m0"]]


def test_a_condition_sees_key_count_and_parts() -> None:
    condition = Expression("key = 'k' and count = 3 and $sum(parts.n) = 6")
    result = folded(Rule(when=condition.holds), map(arrival, (1, 2, 3, 4)))
    assert members(result) == [["m1", "m2", "m3"]]
    assert result.closed[0].content.reason == "when"


def test_a_member_on_which_the_condition_fails_is_refused_and_the_others_are_not() -> None:
    def fails(view: dict[str, list[dict[str, int]]]) -> bool:
        if view["parts"][-1]["n"] == 2:
            raise Reject("no")
        return False

    result = folded(Rule(when=fails), map(arrival, (2, 1, 2, 3)))
    assert [place.error is not None for place in result.places] == [True, False, True, False]
    assert [each.id for each in result.group.members] == ["m1", "m3"]


def test_a_member_may_say_how_many_there_are() -> None:
    result = folded(Rule(), [arrival(1), arrival(2, size=3), arrival(3)])
    assert members(result) == [["m1", "m2", "m3"]]
    assert result.closed[0].content.size == 3


def test_a_group_that_is_full_takes_nobody_and_stays_I8() -> None:
    rule = Rule(max_bytes=120)
    result = folded(rule, map(arrival, range(4)))
    assert [place.error is None for place in result.places] == [True, True, False, False]
    assert len(result.group.members) == 2


def test_time_is_counted_from_the_first_or_from_the_last_member() -> None:
    for since, due in (("first", NOW + 1000), ("last", NOW + 1500)):
        rule = msgspec.convert({"timeout": 1.0, "since": since}, Rule)
        group = folded(rule, [arrival(1)]).group
        group = folded(rule, [arrival(2)], group, now=NOW + 500).group
        assert expire(rule, group, now=due - 1) is None
        result = expire(rule, group, now=due)
        assert result is not None
        assert members(result) == [["m1", "m2"]]
        assert result.closed[0].content.reason == "timeout"
        assert expire(rule, result.group, now=due) is None


def test_a_state_is_read_as_it_was_written() -> None:
    group = folded(Rule(size=2), map(arrival, range(3))).group
    assert read_group(msgspec.json.encode(group)) == group


def test_no_payload_is_in_a_repr_I6() -> None:
    result = folded(Rule(size=1), [arrival(7)])
    shown = repr(result) + repr(folded(Rule(), [arrival(7)]))
    assert '"n"' not in shown
    assert "'k'" not in shown
