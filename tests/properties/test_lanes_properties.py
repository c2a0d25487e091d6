"""Lanes against a plain model: whatever is done with them, no key goes out of order."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from crossdock.mesh.bus import Incoming
from crossdock.mesh.ordering.lanes import Item, Lanes

KEYS = st.sampled_from(["a", "b", "c", None])
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), KEYS),
        st.tuples(st.just("take"), st.integers(1, 5), st.booleans()),
        st.tuples(st.just("end"), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("time"), st.integers(1, 5)),
    ),
    max_size=80,
)


def item(sequence: int, key: str | None) -> Item:
    reply = f"$JS.ACK.s.c.1.{sequence}.{sequence}.1700000000000000000.0"
    message = SimpleNamespace(reply=reply, headers={}, data=b"12")
    return Item(Incoming(cast("object", message)), key)  # type: ignore[arg-type] # what is read of it


class Model:
    """Does with lanes what the loop and a handler that keeps order may do, and keeps account."""

    def __init__(self) -> None:
        self.lanes = Lanes()
        self.now = 0.0
        self.added = 0
        self.at_work: list[Item] = []
        self.done: dict[str | int, list[int]] = defaultdict(list)

    def add(self, key: str | None) -> None:
        self.added += 1
        self.lanes.add(item(self.added, key))

    def take(self, most: int, runs: bool) -> bool:  # noqa: FBT001 - drawn by hypothesis
        taken = self.lanes.take(most, self.now, runs=runs)
        busy = {each.key for each in self.at_work if each.key}
        assert not busy & {each.key for each in taken if each.key}
        self.at_work += taken
        return bool(taken)

    def end(self, place: int, good: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        if not self.at_work:
            return
        one = self.at_work[place % len(self.at_work)]
        same = [each for each in self.at_work if each is one or each.key == one.key is not None]
        first = min(same, key=lambda each: each.identity)
        if good:
            self.at_work.remove(first)
            self.lanes.done(first, self.now)
            self.done[first.key or first.identity[0]].append(first.identity[0])
            return
        for each in same:  # a handler does none of them before the first
            self.at_work.remove(each)
            self.lanes.again(each, self.now + 3 * (each is first), self.now)

    def time(self, seconds: int) -> None:
        self.now += seconds

    def finish(self) -> None:
        self.now += 10
        while self.at_work or self.take(5, runs=False):
            self.end(0, good=True)


@given(ACTS)
def test_i7_no_key_goes_out_of_order_and_nothing_gets_lost(acts: list[tuple[str, Any]]) -> None:
    model = Model()
    for act, *values in acts:
        getattr(model, act)(*values)
    model.finish()
    assert not model.lanes
    assert (model.lanes.workable, model.lanes.bytes) == (0, 0)
    assert sum(map(len, model.done.values())) == model.added
    assert all(found == sorted(found) for found in model.done.values())
