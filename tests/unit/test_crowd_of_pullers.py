"""The pullers of one connection: the more there are, the rarer each one's heartbeat."""

from __future__ import annotations

from crossdock.mesh.bus.crowd import Crowd


class Doubting:
    def __init__(self) -> None:
        self.doubts = 0

    def doubt(self) -> None:
        self.doubts += 1

    async def visit(self) -> None:
        """Nothing is due."""


def test_a_few_beat_every_two_seconds_and_never_together() -> None:
    crowd = Crowd()
    beats = [crowd.beat() for _ in range(100)]
    assert all(1.4 <= each <= 2 for each in beats)
    assert len(set(beats)) > 90


def test_a_thousand_beat_together_about_as_often_as_fifty() -> None:
    crowd = Crowd()
    members = [Doubting() for _ in range(1000)]
    for each in members:
        crowd.join(each)
    assert 28 <= crowd.beat() <= 40
    for each in members[50:]:
        crowd.leave(each)
    assert crowd.beat() <= 2


def test_all_that_are_there_are_told_that_the_connection_was_lost() -> None:
    crowd = Crowd()
    members = [Doubting() for _ in range(3)]
    for each in members:
        crowd.join(each)
    crowd.leave(members[0])
    crowd.leave(members[0])
    crowd.doubt()
    assert [each.doubts for each in members] == [0, 1, 1]
