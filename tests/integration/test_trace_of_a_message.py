"""One message, one trace: from the door over its route to its destination, across processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crossdock.mesh.telemetry import new_traceparent, trace_id
from peers.otlp import Collector
from tiny_project import CONTRACT, make_project
from up_process import Up


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    collector = Collector(tmp_path)
    yield collector
    collector.stop()


@pytest.fixture
async def up(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Up]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    up = Up(make_project(tmp_path / "project"))
    await up.start()
    await up.ready()
    yield up
    assert up.process is not None
    up.process.terminate()
    await up.finished()


async def test_every_hop_of_a_sampled_message_is_a_span_of_the_callers_trace(
    up: Up, collector: Collector
) -> None:
    root = new_traceparent(1)
    await up.send(1, traceparent=root)

    received = await asyncio.to_thread(collector.received, 4)

    spans = {name.split(" ")[0] + " " + _where(name): each for name, each in received.spans.items()}
    door = spans["POST door"]
    sent = spans["publish in"]
    routed = spans["process in"]
    delivered = spans["process out"]
    assert {each["trace"] for each in spans.values()} == {trace_id(root)}
    assert door["parent"] == root.split("-")[2]
    assert sent["parent"] == door["id"]
    assert routed["parent"] == sent["id"]
    assert delivered["parent"] == routed["id"]


async def test_an_unsampled_message_leaves_no_span(up: Up, collector: Collector) -> None:
    await up.send(1, traceparent=new_traceparent(0))
    await up.send(2, traceparent=new_traceparent(1))
    received = await asyncio.to_thread(collector.received, 4)
    assert len({each["trace"] for each in received.spans.values()}) == 1


def _where(name: str) -> str:
    if CONTRACT in name or ".in." in name or "-in/" in name:
        return "in"
    return "out" if ".out." in name else "door"
