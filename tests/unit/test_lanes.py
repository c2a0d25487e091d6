"""Lanes: of each key one message is worked on; what waits stops no other key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from crossdock.mesh.bus import Incoming, Unsettled
from crossdock.mesh.bus.pinning import PIN
from crossdock.mesh.ordering.lanes import Item, Lanes
from crossdock.mesh.ordering.takeover import Takeover


def incoming(sequence: int, number: int = 0, pin: str = "p") -> Incoming:
    reply = f"$JS.ACK.s.c.1.{sequence}.{number or sequence}.1700000000000000000.0"
    return Incoming(cast("object", SimpleNamespace(reply=reply, headers={PIN: pin}, data=b"{}")))  # type: ignore[arg-type] # what is read of nats-py's message


def held(lanes: Lanes, *messages: tuple[int, str | None], suspect: bool = False) -> list[Item]:
    items = [Item(incoming(number), key, suspect=suspect) for number, key in messages]
    for item in items:
        lanes.add(item)
    return items


def numbers(items: list[Item]) -> list[int]:
    return [item.identity[0] for item in items]


def test_takes_one_message_of_each_key_the_oldest_first() -> None:
    lanes = Lanes()
    held(lanes, (1, "a"), (2, "a"), (3, "b"), (4, None), (5, None))
    assert numbers(lanes.take(10, 0.0)) == [1, 3, 4, 5]
    assert lanes.take(10, 0.0) == []


def test_gives_the_next_of_a_key_when_the_first_is_done() -> None:
    lanes = Lanes()
    held(lanes, (1, "a"), (2, "a"))
    (first,) = lanes.take(10, 0.0)
    lanes.done(first, 0.0)
    assert numbers(lanes.take(10, 0.0)) == [2]


def test_takes_no_more_than_asked_for() -> None:
    lanes = Lanes()
    held(lanes, (1, "a"), (2, "b"), (3, "c"))
    assert numbers(lanes.take(2, 0.0)) == [1, 2]
    assert numbers(lanes.take(2, 0.0)) == [3]


def test_a_key_waits_until_its_message_is_due_and_other_keys_do_not() -> None:
    lanes = Lanes()
    held(lanes, (1, "a"), (2, "a"), (3, "b"))
    first, other = lanes.take(10, 0.0)
    lanes.again(first, due=5.0, now=1.0)
    lanes.done(other, 1.0)
    assert (lanes.workable, lanes.next_due, numbers(lanes.waiting)) == (0, 5.0, [1])
    held(lanes, (4, "a"), (5, "b"))
    assert numbers(lanes.take(10, 4.9)) == [5]
    assert numbers(lanes.take(10, 5.0)) == [1]
    assert first.since == 1.0
    assert lanes.workable == len(lanes) == 4


def test_puts_an_older_message_that_comes_later_before_the_newer_one() -> None:
    lanes = Lanes()
    held(lanes, (7, "a"), (3, "a"), (5, "a"))
    order = []
    while taken := lanes.take(10, 0.0):
        order += numbers(taken)
        lanes.done(taken[0], 0.0)
    assert order == [3, 5, 7]
    assert not lanes


def test_gives_a_suspect_alone() -> None:
    lanes = Lanes()
    held(lanes, (1, "a"), (2, "b"))
    held(lanes, (3, "c"), (4, "d"), suspect=True)
    held(lanes, (5, "e"))
    assert [numbers(lanes.take(10, 0.0)) for _ in range(4)] == [[1, 2], [3], [4], [5]]


def test_gives_runs_of_a_key_to_who_keeps_order_in_a_batch() -> None:
    lanes = Lanes()
    items = held(lanes, (1, "a"), (2, "a"), (3, "b"), (4, "a"), (5, "b"), (6, "a"))
    assert numbers(lanes.take(5, 0.0, runs=True)) == [1, 2, 3, 4, 5]
    assert lanes.take(5, 0.0, runs=True) == []
    lanes.again(items[1], due=9.0, now=1.0)  # and those of its key behind it, with it
    lanes.done(items[0], 1.0)
    lanes.again(items[3], due=2.0, now=1.0)
    assert numbers(lanes.take(5, 3.0, runs=True)) == []
    assert numbers(lanes.take(5, 9.0, runs=True)) == [2, 4, 6]


def test_a_suspect_and_one_that_is_refused_end_a_run() -> None:
    lanes = Lanes()
    held(lanes, (1, "a"), (2, "a"))
    held(lanes, (3, "a"), suspect=True)
    held(lanes, (4, "a"))
    assert numbers(lanes.take(5, 0.0, runs=True)) == [1, 2]


def test_forgets_all_but_what_is_being_worked_on() -> None:
    lanes = Lanes()
    held(lanes, (1, "a"), (2, "a"), (3, "b"), (4, "c"))
    one, _ = lanes.take(2, 0.0)
    lanes.again(one, due=9.0, now=0.0)
    assert sorted(numbers(lanes.forget())) == [1, 2, 4]
    assert numbers(list(lanes)) == [3]
    held(lanes, (5, "b"), (6, "a"))
    assert numbers(lanes.take(10, 0.0)) == [6]  # b is still at work
    lanes.done(next(item for item in lanes if item.identity[0] == 3), 0.0)
    assert numbers(lanes.take(10, 0.0)) == [5]


def watching(*deliveries: tuple[int, int], pin: str = "p") -> tuple[Takeover, list[Item]]:
    """Return what has seen deliveries: sequences with their numbers."""
    takeover, items = Takeover(10.0), []
    for sequence, number in deliveries:
        message = incoming(sequence, number, pin)
        takeover.saw(message)
        items.append(Item(message, "a"))
    return takeover, items


def test_nothing_begins_before_all_that_is_unsettled_is_in_hand() -> None:
    takeover, items = watching((8, 21), (9, 22))
    takeover.look(Unsettled(delivered=22, count=5), items, 0.0)
    assert takeover.open
    for sequence, number in ((5, 23), (6, 24), (7, 25)):
        message = incoming(sequence, number)
        takeover.saw(message)
        items.append(Item(message, "a"))
    takeover.look(Unsettled(delivered=25, count=5), items, 0.0)
    assert not takeover.open


def test_what_is_on_its_way_to_us_is_waited_for() -> None:
    takeover, items = watching((8, 21))
    takeover.look(Unsettled(delivered=22, count=1), items, 0.0)
    assert takeover.open


def test_what_came_after_the_broker_was_asked_does_not_count() -> None:
    takeover, items = watching((8, 21), (9, 22))
    takeover.look(Unsettled(delivered=21, count=2), items, 0.0)
    assert takeover.open  # one that is not ours, and 22 only looks like it


def test_a_number_that_is_missing_or_another_pin_says_that_somebody_else_may_hold_something() -> (
    None
):
    takeover, items = watching((1, 1), (2, 2))
    takeover.look(Unsettled(delivered=2, count=2), items, 0.0)
    takeover.saw(incoming(3, 3))
    assert not takeover.open
    takeover.saw(incoming(5, 5))
    assert takeover.open
    takeover, items = watching((1, 1))
    takeover.look(Unsettled(delivered=1, count=1), items, 0.0)
    takeover.saw(incoming(2, 2, pin="q"))
    assert takeover.open


def test_when_somebody_else_settles_what_we_hold_all_it_held_is_waited_for() -> None:
    takeover, items = watching((1, 1), (2, 2), (3, 3))
    takeover.look(Unsettled(delivered=3, count=2), items, 100.0)
    takeover.look(Unsettled(delivered=3, count=3), items, 105.0)
    assert takeover.open
    takeover.look(Unsettled(delivered=3, count=3), items, 113.5)
    assert not takeover.open


def test_what_is_tried_part_by_part_waits_for_those_of_its_key_before_it() -> None:
    lanes = Lanes()
    held(lanes, (1, "a"), (2, "a"), (3, "b"), (4, "a"))
    taken = lanes.take(10, 0.0, runs=True)
    assert lanes.overtaking(taken) == []
    assert sorted(numbers(lanes.overtaking(taken[1:]))) == [2, 4]
    taken[0].incoming.settled = True
    assert lanes.overtaking(taken[1:]) == []
