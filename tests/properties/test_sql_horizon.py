"""Rows of transactions that commit in any order are all read, with nothing to read again."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from crossdock.workers.sql_in.horizon import Horizon, Snapshot
from crossdock.workers.sql_in.position import Place, Position


@given(
    commits=st.permutations(range(12)),
    steps=st.lists(st.sampled_from(["begin", "commit", "read", "restart"]), max_size=80),
    batch=st.integers(1, 5),
)
def test_no_row_is_passed_over_however_late_it_commits(
    commits: list[int], steps: list[str], batch: int
) -> None:
    """Each transaction takes number and key when it begins; PostgreSQL gives both in order."""
    source = _Source(batch)
    begun, committed = 0, set[int]()
    queue = list(commits)
    for step in itertools.chain(steps, ["begin"] * 12, ["commit"] * 12, ["read"] * 40):
        if step == "begin" and begun < len(commits):
            begun += 1
        elif step == "commit":
            ready = next((each for each in queue if each < begun), None)
            if ready is not None:
                queue.remove(ready)
                committed.add(ready)
        elif step == "read":
            running = set(range(begun)) - committed
            source.read(Snapshot(min(running, default=begun), begun), sorted(committed))
        elif step == "restart":
            source.horizon = Horizon()
    assert sorted(source.received) == list(range(12))
    assert source.position.done == ()  # and nothing is kept for ever


class _Source:
    """What the adapter does with what it reads."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.position = Position()
        self.horizon = Horizon()
        self.received: list[int] = []

    def read(self, snapshot: Snapshot, table: list[int]) -> None:
        low = self.position.low
        listing: list[Place] = [(each,) for each in table if low is None or (each,) > low]
        listing = listing[: self.batch + len(self.position.done)]
        self.horizon.look(snapshot, list(listing))
        fresh = [each for each in listing if each not in self.position.done][: self.batch]
        self.received += [int(each[0]) for each in fresh]
        self.position = self.position.after(
            set(fresh), listing, whole=False, overlap=0, passable=self.horizon.passable
        )
