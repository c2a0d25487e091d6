"""The order in which a probe tells the hops of its message."""

from __future__ import annotations

from crossdock.cli.probe_following import _passed
from crossdock.contracts import Message
from crossdock.mesh.bus import Stored
from crossdock.mesh.records import Entry, Kind
from crossdock.mesh.trail import Fact, Trail


def fact(second: int, kind: Kind, where: str, entry: Entry) -> Fact:
    return Fact(
        kind=kind,
        where=where,
        time=f"2026-01-01T00:00:{second:02}Z",
        by="test",
        revision="",
        reason="",
        detours={},
        entry=entry,
    )


def test_a_sink_is_told_after_the_route_that_sent_to_it_whichever_was_recorded_first() -> None:
    trail = Trail(
        message=Message(id="m", source="/test", type="a.b.c", data=b"{}"),
        stored=Stored(
            subject="t.in.a.b.c", sequence=1, time="2026-01-01T00:00:00Z", headers={}, data=b"{}"
        ),
        routes=("first", "second"),
        facts=(
            fact(1, "destination", "book", Entry("c2", 9, "tested")),
            fact(2, "route", "second", Entry("c1", 5, "routed", children=(("book", "c2"),))),
            fact(3, "route", "first", Entry("m", 1, "routed", children=(("in", "c1"),))),
        ),
    )
    hops = [each.hop for each in _passed(trail)]
    assert hops == ["route first", "route second", "destination book"]
