from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.responses import Response

from crossdock.mesh.project.scalars import Secret
from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.conformance import MARK, SinkCheck, SinkFeatures, check_name, sink_checks
from crossdock.workers.http_out import BearerAuth, HttpOutSettings, HttpSink
from http_peer import Call, HttpPeer

_ONE_BY_ONE = SinkFeatures()
_AT_ONCE = SinkFeatures(ordered=False)


class HttpHarness:
    """A real server that has the effect of an idempotency key once."""

    def __init__(self, folder: Path, features: SinkFeatures) -> None:
        self.features = features
        self.folder = folder
        self.peer = HttpPeer(_refuse_the_bad)
        self.peer.start()

    def make(self) -> HttpSink:
        settings = HttpOutSettings(
            url=self.peer.url,
            auth=BearerAuth(token=Secret(MARK)),  # a secret is as secret as a payload
            concurrency=1 if self.features.ordered else 8,
        )
        return HttpSink(settings, WorkerContext(mesh="test", worker="crm", folder=self.folder))

    def delivery(self, number: int) -> Delivery:
        value = {"number": number, "text": MARK}
        return Delivery(id=f"id-{number}", value=value, type="sales.order.placed")

    def refused(self) -> Delivery:
        return Delivery(id="bad", value={"number": -1, "text": MARK}, type="sales.order.placed")

    async def effects(self) -> list[int]:
        return [call.value["number"] for call in self.peer.effects.values()]

    async def cut(self) -> None:
        self.peer.stop()

    async def heal(self) -> None:
        self.peer.start()


def _refuse_the_bad(call: Call) -> Response:
    return Response(MARK, status_code=422 if call.value["number"] < 0 else 201)


@pytest.fixture(params=[_ONE_BY_ONE, _AT_ONCE], ids=["one by one", "eight at once"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HttpHarness]:
    made = HttpHarness(tmp_path, request.param)
    yield made
    made.peer.stop()


@pytest.mark.parametrize("check", sink_checks(_ONE_BY_ONE), ids=check_name)
async def test_http_out_conforms(check: SinkCheck, harness: HttpHarness) -> None:
    if check in sink_checks(harness.features):
        await check(harness)
