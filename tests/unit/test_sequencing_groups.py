"""Who goes on when, in a key that counts: without a broker."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import msgspec

from crossdock.contracts import Message
from crossdock.mesh.groups import Arrival, Group, Member, Rule
from crossdock.mesh.groups.folding import Folded
from crossdock.mesh.groups.sequencing import sequence, skip
from crossdock.mesh.groups.state import enclose, enclosed, mark_of, read_group

NOW = 1_000_000
RULE = Rule(counts=True, timeout=10)


def arrival(number: int, name: str = "m") -> Arrival:
    message = Message(id=f"{name}{number}", source="/test", type="a.b.c", data=b'{"x":1}')
    member = Member(mark_of(message), message.id, float(number), enclose(message))
    return Arrival(key="k", member=member, message=message)


def come(
    arrivals: Iterable[Arrival], group: Group | None = None, rule: Rule = RULE, now: int = NOW
) -> Folded:
    ids = (f"g{number}" for number in itertools.count(1))
    start = group or Group(key="k")
    return sequence(rule, start, list(arrivals), now=now, mint=lambda: next(ids))


def gone(result: Folded) -> list[str]:
    return [enclosed(each.content.members[0]).id for each in result.closed]


def test_messages_go_on_in_the_order_of_their_numbers_whatever_they_come_in() -> None:
    chance = random.Random(1)  # noqa: S311 - to repeat a run
    numbers = list(range(1, 201))
    chance.shuffle(numbers)
    group, found = Group(key="k"), []
    for start in range(0, 200, 7):
        result = come(map(arrival, numbers[start : start + 7]), group)
        found += gone(result)
        group = read_group(msgspec.json.encode(result.group))
    assert found == [f"m{number}" for number in range(1, 201)]
    assert not group.members
    assert not group.id


def test_a_message_that_comes_again_waits_and_goes_on_once_I4() -> None:
    first = come(map(arrival, (1, 3)))
    again = come(map(arrival, (3, 1)), first.group)
    assert not again.changed
    assert [place.group for place in again.places] == [first.places[1].group, first.places[0].group]


def test_two_messages_with_one_number_are_not_both_sent_and_none_is_lost() -> None:
    first = come(map(arrival, (1, 3)))
    result = come([arrival(1, "other"), arrival(3, "other")], first.group)
    errors = [place.error.reason for place in result.places if place.error is not None]
    assert errors == [
        "another one of its key had the number 1",
        "another one of its key has the number 3",
    ]


def test_a_gap_is_given_up_after_its_time_and_not_before() -> None:
    group = come(map(arrival, (1, 4, 5, 8))).group
    assert skip(RULE, group, now=NOW + 9_999, mint=str) is None
    result = skip(RULE, group, now=NOW + 10_000, mint=lambda: "g2")
    assert result is not None
    assert gone(result) == ["m4", "m5"]
    assert result.group.skipped == ((2, 3),)
    assert result.group.opened == NOW + 10_000, "the next gap is waited for anew"
    assert gone(come([arrival(6), arrival(7)], result.group)) == ["m6", "m7", "m8"]


def test_what_comes_after_its_gap_was_given_up_is_refused_or_sent_as_the_route_says() -> None:
    group = come([arrival(2)]).group
    given_up = skip(RULE, group, now=NOW + 10_000, mint=str)
    assert given_up is not None
    (place,) = come([arrival(1)], given_up.group).places
    assert place.error is not None
    assert place.error.reason == "comes after the gap at number 1 was given up"
    lenient = Rule(counts=True, timeout=10, late="send")
    sent = come([arrival(1)], given_up.group, lenient)
    assert gone(sent) == ["m1"]
    assert not come([arrival(1)], sent.group, lenient).changed


def test_too_much_that_waits_is_refused_I8() -> None:
    rule = Rule(counts=True, timeout=10, max_bytes=1000)
    result = come(map(arrival, range(2, 20)), rule=rule)
    refused = [place for place in result.places if place.error is not None]
    assert 0 < len(refused) < 18
    assert gone(come([arrival(1)], result.group, Rule(counts=True)))[:3] == ["m1", "m2", "m3"]


def test_a_key_may_begin_with_another_number() -> None:
    assert gone(come(map(arrival, (0, 1)), rule=Rule(counts=True, first=0))) == ["m0", "m1"]
