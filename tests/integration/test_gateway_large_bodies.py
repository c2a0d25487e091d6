"""Large bodies at the door: kept apart, bounded, and never fetched for a caller."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from crossdock.contracts.claim_check import HEADER, ClaimCheck
from crossdock.mesh.project.scalars import Size
from crossdock.mesh.project.settings import BrokerSettings, ClaimCheckSettings, GatewaySettings
from nats_server import NatsServer
from running_gateway import BEARER, ORDER, Running, connected, running

ORDERS = "/v1/messages/sales.order.placed"
EVENTS = "/v1/events"
MIB = 1024**2
JSON = {"content-type": "application/json", **BEARER}
EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/shop",
    "type": "sales.order.placed",
    "datacontenttype": "application/json",
}


@pytest.fixture
async def door(nats_server: NatsServer) -> AsyncIterator[Running]:
    async with connected(nats_server.url) as bus, running(bus) as door:
        yield door


def body(size: int, number: int = 1) -> bytes:
    return msgspec.json.encode({**ORDER, "id": f"o-{number}", "note": f"{number}" * size})


async def test_five_megabytes_are_accepted_and_stored_whole_before_the_202_I1(
    door: Running,
) -> None:
    sent = body(5 * MIB)
    response = await door.http.post(ORDERS, content=sent, headers=JSON)
    assert response.status_code == 202
    (stored,) = [each async for each in door.bus.read("in")]
    assert stored.data == b""
    assert (await door.bus.claim_checks.message(stored)).data == sent
    status = await door.http.get(response.headers["location"], headers=BEARER)
    assert status.json()["state"] == "done"  # there is no route


async def test_a_large_event_of_a_batch_is_kept_apart_and_the_others_are_not(
    door: Running,
) -> None:
    large = msgspec.json.decode(body(MIB))
    events = [{**EVENT, "id": f"e{n}", "data": large if n == 1 else ORDER} for n in range(3)]
    batch = {"content-type": "application/cloudevents-batch+json", **BEARER}
    response = await door.http.post(EVENTS, content=msgspec.json.encode(events), headers=batch)
    assert response.status_code == 202
    stored = [each async for each in door.bus.read("in")]
    assert [HEADER in each.headers for each in stored] == [False, True, False]
    found = [await door.bus.claim_checks.message(each) for each in stored]
    assert [msgspec.json.decode(each.data) for each in found] == [ORDER, large, ORDER]


@pytest.mark.parametrize("of", ["http://10.0.0.1/secret", "file:///etc/passwd", "another message"])
async def test_a_caller_who_refers_to_data_is_refused(door: Running, of: str) -> None:
    secret = body(MIB, 7)
    await door.http.post(ORDERS, content=secret, headers=JSON)
    dataref = str(ClaimCheck.of(secret)) if of == "another message" else of
    binary = {f"ce-{name}": value for name, value in EVENT.items() if name != "datacontenttype"}
    structured = {"content-type": "application/cloudevents+json", **BEARER}
    event = {**EVENT, "dataref": dataref}
    answers = [
        await door.http.post(
            EVENTS, content=b"{}", headers={**JSON, **binary, "ce-dataref": dataref}
        ),
        await door.http.post(EVENTS, json={**event, "data": ORDER}, headers=structured),
        await door.http.post(EVENTS, json=event, headers=structured),
    ]
    for each in answers:
        assert each.status_code == 400, each.text
        (told,) = [each for each in each.json()["errors"] if each["pointer"] == "/dataref"]
        assert told["message"] == (
            "only the mesh itself keeps data apart from a message: send the data"
        )
        assert dataref not in each.text
    assert (await door.bus.extent("in")).messages == 1


async def test_what_is_larger_than_the_mesh_takes_is_413(nats_server: NatsServer) -> None:
    settings = GatewaySettings(listen="127.0.0.1:0", max_body=Size(MIB))
    async with connected(nats_server.url) as bus, running(bus, settings) as door:
        response = await door.http.post(ORDERS, content=body(MIB), headers=JSON)
        assert response.status_code == 413
        assert response.json()["detail"] == "The body has more than 1048576 bytes."
        assert (await bus.extent("data")).messages == 0


async def test_what_an_event_holds_beyond_the_bound_is_refused_as_a_whole(
    nats_server: NatsServer,
) -> None:
    async with connected(nats_server.url) as bus, running(bus) as door:
        bus.claim_checks.configure(ClaimCheckSettings(most=Size(MIB)))
        response = await door.http.post(ORDERS, content=body(MIB), headers=JSON)
        assert response.status_code == 400
        assert "claim_check.most" in response.json()["detail"]
        assert (await bus.extent("in")).messages == 0


@pytest.mark.parametrize("chunked", [False, True])
async def test_many_large_bodies_at_once_are_bounded_and_each_202_is_whole_I8(
    door: Running, *, chunked: bool
) -> None:
    admission = door.gateway._ingress.admission
    admission._most_bytes = 8 * MIB
    most = 0

    async def sent_by(number: int) -> httpx.Response:
        content = body(2 * MIB, number)

        async def parts() -> AsyncIterator[bytes]:
            nonlocal most
            for at in range(0, len(content), 128 * 1024):
                most = max(most, admission.bytes)
                yield content[at : at + 128 * 1024]

        return await door.http.post(
            ORDERS,
            content=parts() if chunked else content,
            headers={**JSON, "idempotency-key": str(number)},
        )

    answers = await asyncio.gather(*(sent_by(number) for number in range(24)))
    counts = Counter(each.status_code for each in answers)
    assert set(counts) == {202, 503}, counts
    assert all("retry-after" in each.headers for each in answers if each.status_code == 503)
    assert most <= 8 * MIB
    assert (admission.messages, admission.bytes) == (0, 0)
    stored = [await door.bus.claim_checks.message(each) async for each in door.bus.read("in")]
    assert len(stored) == counts[202]
    taken = [n for n, each in enumerate(answers) if each.status_code == 202]
    assert {each.data for each in stored} == {body(2 * MIB, number) for number in taken}


async def test_small_bodies_without_a_length_do_not_count_as_large_ones(door: Running) -> None:
    admission = door.gateway._ingress.admission
    admission._most_bytes = MIB

    async def parts() -> AsyncIterator[bytes]:
        yield msgspec.json.encode(ORDER)

    answers = await asyncio.gather(
        *(door.http.post(ORDERS, content=parts(), headers=JSON) for _ in range(10))
    )
    assert {each.status_code for each in answers} == {202}


async def test_a_full_store_is_503_and_small_messages_go_on(nats_server: NatsServer) -> None:
    full = BrokerSettings(max_bytes=Size(6 * MIB))
    async with connected(nats_server.url, full) as bus, running(bus) as door:
        first = await door.http.post(ORDERS, content=body(2 * MIB, 1), headers=JSON)
        second = await door.http.post(ORDERS, content=body(2 * MIB, 2), headers=JSON)
        small = await door.http.post(ORDERS, json=ORDER, headers=BEARER)
        assert [each.status_code for each in (first, second, small)] == [202, 503, 202]
        assert second.headers["retry-after"]
        assert (await bus.extent("in")).messages == 2
