"""The gateway when the broker dies, when it is stopped, and when callers are hostile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from crossdock.contracts import Halt
from crossdock.gateway import http_protocol
from crossdock.gateway.running import refuse_open_door, serve
from crossdock.mesh.project.scalars import Duration
from crossdock.mesh.project.settings import GatewaySettings
from nats_server import NatsServer
from running_gateway import BEARER, HR_KEY, ORDER, SHOP_KEY, Running, build, connected, running

ORDERS = "/v1/messages/sales.order.placed"


@pytest.fixture
async def door(nats_server: NatsServer) -> AsyncIterator[Running]:
    settings = GatewaySettings(listen="127.0.0.1:0", timeout=Duration(2))
    async with connected(nats_server.url) as bus, running(bus, settings) as door:
        yield door


async def raw(door: Running, *parts: bytes, wait_between: float = 0.0) -> bytes:
    """Send bytes as they are and return whatever is answered until the connection closes."""
    address = urlsplit(door.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            if wait_between:
                await asyncio.sleep(wait_between)
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()


async def taken_again(door: Running) -> str:
    """Send one message until it is taken, as a caller does who heeds the 503."""
    async with asyncio.timeout(20):
        while True:
            response = await door.http.post(ORDERS, json=ORDER, headers=BEARER)
            if response.status_code == 202:
                return str(response.json()["id"])
            assert response.status_code == 503
            await asyncio.sleep(0.05)


@pytest.mark.fault
async def test_every_202_is_stored_when_the_broker_is_killed(  # I1
    nats_server: NatsServer, door: Running
) -> None:
    taken: list[str] = []
    refused: list[httpx.Response] = []
    enough = asyncio.Event()

    async def caller() -> None:
        while not refused:
            response = await door.http.post(ORDERS, json=ORDER, headers=BEARER)
            if response.status_code == 202:
                taken.append(response.json()["id"])
            else:
                refused.append(response)
            if len(taken) >= 40:
                enough.set()

    callers = [asyncio.create_task(caller()) for _ in range(8)]
    async with asyncio.timeout(30):
        await enough.wait()
        nats_server.kill()
        await asyncio.gather(*callers)
    for each in refused:
        assert each.status_code == 503
        assert each.headers["content-type"] == "application/problem+json"
        assert int(each.headers["retry-after"]) >= 1
    assert (await door.http.get("/readyz")).status_code == 503
    assert (await door.http.get("/livez")).status_code == 200
    nats_server.start()
    taken.append(await taken_again(door))
    assert (await door.http.get("/readyz")).status_code == 200
    assert set(taken) <= {each.id for each in await door.stored()}


async def test_what_has_begun_is_finished_before_it_stops(nats_server: NatsServer) -> None:
    async with connected(nats_server.url) as bus, running(bus) as door:
        calls = [
            asyncio.create_task(door.http.post(ORDERS, json=ORDER, headers=BEARER))
            for _ in range(30)
        ]
        done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        door.stop.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        taken = [
            each.json()["id"]
            for each in answers
            if isinstance(each, httpx.Response) and each.status_code == 202
        ]
        assert done
        assert set(taken) == {each.id for each in await door.stored()}


async def test_a_body_that_does_not_come_is_given_up(
    door: Running, monkeypatch: pytest.MonkeyPatch
) -> None:  # I8
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.3)
    head = (
        f"POST {ORDERS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SHOP_KEY}\r\n"
        "content-type: application/json\r\ncontent-length: 100\r\n\r\n"
    ).encode()
    answer = await raw(door, head, b"{", b'"id"', wait_between=0.09)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"application/problem+json" in answer
    assert door.gateway._ingress.admission.messages == 0


async def test_a_refused_body_that_goes_on_for_ever_is_cut_off(
    door: Running, monkeypatch: pytest.MonkeyPatch
) -> None:  # I8
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.3)
    head = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"
    answer = await raw(door, head, b"{", b"{", wait_between=0.09)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_header_that_does_not_come_is_given_up(
    door: Running, monkeypatch: pytest.MonkeyPatch
) -> None:  # I8
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.3)
    silent = await raw(door)
    assert silent.startswith(b"HTTP/1.1 408 ")
    drip = await raw(door, b"GET /livez HTTP/1.1\r\n", b"a: b\r\n", b"c: d\r\n", wait_between=0.1)
    assert drip.startswith(b"HTTP/1.1 408 ")
    after = await raw(
        door, b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n", b"GET /livez HTT", wait_between=0.1
    )
    assert after.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in after


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\n" + b"".join(b"h%d: 1\r\n" % n for n in range(200)),
        b"GET / HTTP/1.1\r\nhost: x\r\nbig: " + b"x" * 40_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nendless: " + b"x" * 4_000_000,
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nhost: x\r\n",
    ],
)
async def test_a_header_that_is_too_large_is_431(door: Running, head: bytes) -> None:  # I8
    address = urlsplit(door.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(head + b"\r\n")
    async with asyncio.timeout(30):
        answer = await reader.readuntil(b"\r\n")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert (await door.http.get("/livez")).status_code == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_refused_as_a_problem(
    door: Running, request_bytes: bytes
) -> None:
    answer = await raw(door, request_bytes)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b"application/problem+json" in answer
    assert (await door.http.get("/livez")).status_code == 200


async def test_a_trailer_is_no_header(door: Running) -> None:
    request = (
        f"POST {ORDERS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        "connection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
        f"authorization: Bearer {SHOP_KEY}\r\n\r\n"
    ).encode()
    assert (await raw(door, request)).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("apart", [False, True])
async def test_a_request_that_asks_for_an_upgrade_is_served_without(
    door: Running, *, chunked: bool, apart: bool
) -> None:
    body = b'{"id":"o-1","total":1}'
    length = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % len(body)
    head = (
        b"POST %s HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n"
        b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
        b"content-type: application/json\r\n%s\r\n\r\n"
    ) % (ORDERS.encode(), SHOP_KEY.encode(), length)
    if chunked:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    last = b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    parts = (head, body, last) if apart else (head + body + last,)
    answer = await raw(door, *parts, wait_between=0.1 if apart else 0.0)
    assert answer.startswith(b"HTTP/1.1 202 "), answer
    assert answer.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 200 " in answer
    assert (await door.stored())[0].data == b'{"id":"o-1","total":1}'


async def test_a_body_is_never_read_as_the_next_request(door: Running) -> None:
    inner = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"
    head = (
        b"POST /v1/events HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: h2c\r\n"
        b"content-length: %d\r\n\r\n"
    ) % len(inner)
    last = b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answer = await raw(door, head, inner, last, wait_between=0.1)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert answer.count(b"HTTP/1.1 ") == 2
    assert b"crossdock_" not in answer


async def test_a_caller_who_hangs_up_leaves_nothing_behind(door: Running) -> None:
    address = urlsplit(door.url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    head = (
        f"POST {ORDERS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SHOP_KEY}\r\n"
        "content-type: application/json\r\ncontent-length: 100\r\n\r\n{"
    ).encode()
    writer.write(head)
    admission = door.gateway._ingress.admission
    async with asyncio.timeout(5):
        while not admission.messages:
            await asyncio.sleep(0.01)
        writer.close()
        while admission.messages:
            await asyncio.sleep(0.01)
    assert await door.stored() == []


async def test_metrics_are_for_this_machine_and_clients_with_the_scope(door: Running) -> None:
    assert (await door.http.get("/metrics")).status_code == 200
    passed_on = {"x-forwarded-for": "127.0.0.1"}
    assert (await door.http.get("/metrics", headers=passed_on)).status_code == 401
    assert (await door.http.get("/metrics", headers=BEARER)).status_code == 403
    scoped = {**passed_on, "x-api-key": HR_KEY}
    assert (await door.http.get("/metrics", headers=scoped)).status_code == 200


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.com:80"])
async def test_anonymous_is_refused_where_other_machines_can_come_in(
    nats_server: NatsServer, listen: str
) -> None:
    settings = GatewaySettings(listen=listen, anonymous=True)
    async with connected(nats_server.url) as bus:
        with pytest.raises(Halt, match="anonymous"):
            await serve(build(bus, settings), settings, asyncio.Event(), lambda _: None)
    refuse_open_door(GatewaySettings(listen=listen))  # with keys only it may listen there


@pytest.mark.parametrize("listen", ["8080", "nowhere", "127.0.0.1:99999", "192.0.2.1:80"])
async def test_an_address_that_cannot_be_is_told_clearly(
    nats_server: NatsServer, listen: str
) -> None:
    settings = GatewaySettings(listen=listen)
    async with connected(nats_server.url) as bus:
        with pytest.raises(Halt, match="listen"):
            await serve(build(bus, settings), settings, asyncio.Event(), lambda _: None)


async def test_a_port_that_is_taken_is_told_clearly(door: Running) -> None:
    settings = GatewaySettings(listen=urlsplit(door.url).netloc)
    with pytest.raises(Halt, match="another process"):
        await serve(build(door.bus, settings), settings, asyncio.Event(), lambda _: None)
