from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from crossdock.contracts import Disconnected, Halt, Reject, Retry
from crossdock.mesh.project.scalars import Duration, Secret
from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.http_out import BearerAuth, HttpOutSettings, HttpSink
from eventually import eventually
from http_peer import Call, HttpPeer

_ATTRIBUTES = {
    "id": "42 é",
    "source": "crossdock:shop/orders",
    "type": "sales.order.placed",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "a=1\r\nx-evil: 1",
    "bad name": "x",
}

MakeSink = Callable[..., HttpSink]


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    server = HttpPeer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def make(peer: HttpPeer, tmp_path: Path) -> AsyncIterator[MakeSink]:
    made: list[HttpSink] = []

    def sink(**settings: Any) -> HttpSink:  # noqa: ANN401 - any setting
        chosen = HttpOutSettings(**{"url": peer.url, **settings})
        made.append(HttpSink(chosen, WorkerContext(mesh="test", worker="crm", folder=tmp_path)))
        return made[-1]

    yield sink
    for each in made:
        await each.close()


def _delivery(number: int) -> Delivery:
    return Delivery(id=f"shop {number}", value={"n": number}, type="sales.order.placed")


async def test_the_value_goes_as_json_with_its_id_as_key_and_its_trace(
    peer: HttpPeer, make: MakeSink
) -> None:
    sink = make(method="PUT", headers={"X-Tenant": "7"}, auth=BearerAuth(token=Secret("t")))
    await sink.open()
    await sink.deliver(
        [Delivery(id="shop 42", value={"a": "é"}, type="x.y.z", attributes=_ATTRIBUTES)]
    )
    (call,) = peer.calls
    assert (call.method, call.value) == ("PUT", {"a": "é"})
    headers = call.headers
    assert headers["idempotency-key"] == "shop%2042"
    assert headers["content-type"] == "application/json"
    assert headers["traceparent"] == _ATTRIBUTES["traceparent"]
    assert (headers["x-tenant"], headers["authorization"]) == ("7", "Bearer t")
    assert not {"tracestate", "x-evil", "ce-id"} & set(headers)


async def test_attributes_go_along_as_binary_cloudevents_when_asked_for(
    peer: HttpPeer, make: MakeSink
) -> None:
    sink = make(cloudevents=True)
    await sink.open()
    await sink.deliver([Delivery(id="1", value=1, type="x.y.z", attributes=_ATTRIBUTES)])
    headers = peer.calls[0].headers
    assert headers["ce-specversion"] == "1.0"
    assert headers["ce-id"] == "42%20%C3%A9"
    assert headers["ce-source"] == "crossdock:shop/orders"
    assert "ce-bad name" not in headers


async def test_one_answer_speaks_for_one_message_only(peer: HttpPeer, make: MakeSink) -> None:
    status = {0: 204, 1: 422, 2: 503, 3: 200}
    peer.answer = lambda call: Response(
        status_code=status[call.value["n"]], headers={"Retry-After": "3"}
    )
    sink = make()
    await sink.open()
    first, second, third, fourth = await sink.deliver([_delivery(n) for n in range(4)])
    assert (first, fourth) == (None, None)
    assert isinstance(second, Reject)
    assert isinstance(third, Retry)
    assert third.after == 3


async def test_wrong_credentials_stop_the_batch_and_no_other_message_is_sent(
    peer: HttpPeer, make: MakeSink
) -> None:
    peer.answer = lambda call: Response(status_code=401 if call.value["n"] else 204)
    sink = make()
    await sink.open()
    results = await sink.deliver([_delivery(n) for n in range(4)])
    assert [type(result) for result in results] == [type(None), Halt, Halt, Halt]
    assert len(peer.calls) == 2


async def test_a_redirect_is_never_followed(peer: HttpPeer, make: MakeSink) -> None:
    peer.answer = lambda _: Response(status_code=307, headers={"Location": peer.url})
    sink = make(auth=BearerAuth(token=Secret("t")))
    await sink.open()
    (result,) = await sink.deliver([_delivery(1)])
    assert isinstance(result, Halt)
    assert len(peer.calls) == 1


async def test_no_answer_in_time_is_unknown_so_the_same_key_comes_again(
    peer: HttpPeer, make: MakeSink
) -> None:
    peer.hold = threading.Event()
    sink = make(timeout=Duration(0.3))
    await sink.open()
    (result,) = await sink.deliver([_delivery(1)])
    assert isinstance(result, Retry)
    peer.hold.set()
    assert await sink.deliver([_delivery(1)]) == [None]
    assert [call.headers["idempotency-key"] for call in peer.calls] == ["shop%201"] * 2
    assert len(peer.effects) == 1


async def test_a_host_that_takes_no_connection_is_disconnected(make: MakeSink) -> None:
    with socket.socket() as full:  # its queue of connections is full, so it stays silent
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):
            url = f"http://127.0.0.1:{full.getsockname()[1]}/"
            sink = make(url=url, timeout=Duration(1))
            await sink.open()
            (result,) = await sink.deliver([_delivery(1)])
    assert isinstance(result, Disconnected)


async def test_an_endless_answer_is_not_read_to_its_end(peer: HttpPeer, make: MakeSink) -> None:
    sent = 0

    def answer(_: Call) -> Response:
        from starlette.responses import StreamingResponse  # noqa: PLC0415 - only here

        async def body() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1
                yield b"x" * 65536
                await asyncio.sleep(0)

        return StreamingResponse(body(), status_code=200)

    peer.answer = answer
    sink = make()
    await sink.open()
    assert await sink.deliver([_delivery(1)]) == [None]
    assert sent < 10_000


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_as_many_requests_run_at_once_as_the_settings_say(
    peer: HttpPeer, make: MakeSink, concurrency: int
) -> None:
    sink = make(concurrency=concurrency)
    await sink.open()
    peer.hold = threading.Event()  # no request is answered until so many are there at once
    delivering = asyncio.create_task(sink.deliver([_delivery(n) for n in range(40)]))
    await eventually(lambda: peer.most_at_once == concurrency, seconds=20)
    peer.hold.set()
    assert await delivering == [None] * 40
    assert peer.most_at_once == concurrency


async def test_a_secret_that_no_header_can_hold_halts_without_showing_it(make: MakeSink) -> None:
    with pytest.raises(Halt) as found:
        await make(auth=BearerAuth(token=Secret("geheim-é"))).open()
    sink = make(auth=BearerAuth(token=Secret("geheim\r\nx: 1")))
    await sink.open()
    (result,) = await sink.deliver([_delivery(1)])
    assert isinstance(result, Halt)
    assert "geheim" not in f"{found.value!r}{result!r}"


async def test_certificates_that_are_not_there_or_none_are_told_at_once(
    make: MakeSink, tmp_path: Path
) -> None:
    with pytest.raises(Disconnected, match=r"ca\.pem"):
        await make(url="https://127.0.0.1:9/", ca_file="ca.pem").open()
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(Halt, match=r"ca\.pem"):
        await make(url="https://127.0.0.1:9/", ca_file="ca.pem").open()
