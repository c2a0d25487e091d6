"""POST /v1/events by real HTTP: CloudEvents binary, structured and batched."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from crossdock.mesh.project.settings import GatewaySettings
from nats_server import NatsServer
from running_gateway import BEARER, HR_KEY, ORDER, Running, connected, running

EVENTS = "/v1/events"
STRUCTURED = {**BEARER, "content-type": "application/cloudevents+json; charset=UTF-8"}
BATCHED = {**BEARER, "content-type": "application/cloudevents-batch+json"}


@pytest.fixture
async def door(nats_server: NatsServer) -> AsyncIterator[Running]:
    settings = GatewaySettings(listen="127.0.0.1:0", max_batch=5)
    async with connected(nats_server.url) as bus, running(bus, settings) as door:
        yield door


def event(**changed: object) -> dict[str, Any]:
    whole = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/shop/eu",
        "type": "sales.order.placed",
        "data": ORDER,
    }
    return {name: value for name, value in (whole | changed).items() if value is not ...}


async def send(door: Running, body: object, headers: dict[str, str]) -> httpx.Response:
    return await door.http.post(EVENTS, content=msgspec.json.encode(body), headers=headers)


def errors_of(response: httpx.Response, status: int) -> set[tuple[str, str]]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return {(each["pointer"], each["keyword"]) for each in response.json()["errors"]}


async def test_a_binary_event_is_stored_with_its_attributes(door: Running) -> None:  # I1
    headers = {
        **BEARER,
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "e%201",
        "ce-source": "/shop/eu",
        "ce-type": "sales.order.placed",
        "ce-subject": '"Z%C3%BCrich \\"HB\\""',
        "ce-time": "2026-01-31T12:00:00.5+01:00",
        "ce-dataschema": "crossdock:sales.order.placed/1.0.0",
        "ce-partitionkey": "k1",
        "ce-authid": "root",
    }
    response = await send(door, ORDER, headers)
    assert response.status_code == 202, response.text
    assert response.json() == {"id": "e 1", "contract": "sales.order.placed", "version": "1.0.0"}
    assert response.headers["location"] == "/v1/messages/e%201?seq=1"
    (message,) = await door.stored()
    assert (message.id, message.source) == ("e 1", "/shop/eu")
    assert message.subject == 'Zürich "HB"'
    assert message.time == "2026-01-31T12:00:00.5+01:00"
    assert message.dataschema == "crossdock:sales.order.placed/1.0.0"
    assert message.extensions["partitionkey"] == "k1"
    assert message.extensions["authid"] == "shop"
    assert message.extensions["correlationid"] == "e 1"
    found = await door.http.get(response.headers["location"], headers=BEARER)
    assert found.json()["id"] == "e 1"


async def test_a_structured_event_keeps_its_data_byte_for_byte(door: Running) -> None:
    body = msgspec.json.encode(event(data=...))[:-1] + b', "data" : {"id": "x",  "total": 1.50} }'
    response = await door.http.post(EVENTS, content=body, headers=STRUCTURED)
    assert response.status_code == 202, response.text
    (message,) = await door.stored()
    assert message.data == b'{"id": "x",  "total": 1.50}'
    assert message.time
    assert message.dataschema == "crossdock:sales.order.placed/2.1.0"


async def test_data_may_come_in_base64(door: Running) -> None:
    packed = base64.b64encode(msgspec.json.encode(ORDER)).decode()
    response = await send(door, event(data=..., data_base64=packed), STRUCTURED)
    assert response.status_code == 202, response.text
    assert msgspec.json.decode((await door.stored())[0].data) == ORDER


async def test_extensions_may_be_numbers_and_booleans(door: Running) -> None:
    response = await send(door, event(retries=3, urgent=True, nothing=None), STRUCTURED)
    assert response.status_code == 202, response.text
    extensions = (await door.stored())[0].extensions
    assert (extensions["retries"], extensions["urgent"]) == ("3", "true")
    assert "nothing" not in extensions


async def test_the_same_event_again_is_the_same_message(door: Running) -> None:  # I4
    first = await send(door, event(), STRUCTURED)
    again = await send(door, event(), STRUCTURED)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    assert len(await door.stored()) == 1


@pytest.mark.parametrize(
    ("changed", "pointer", "keyword"),
    [
        ({"id": ...}, "", "required"),
        ({"id": ""}, "/id", "length"),
        ({"id": "x" * 1025}, "/id", "length"),
        ({"id": "a\r\nNats-Rollup: all"}, "/id", "pattern"),
        ({"source": ...}, "", "required"),
        ({"source": "not a uri"}, "/source", "format"),
        ({"specversion": "0.3"}, "/specversion", "const"),
        ({"specversion": 1}, "/specversion", "const"),
        ({"time": "yesterday"}, "/time", "format"),
        ({"time": "2026-02-30T00:00:00Z"}, "/time", "format"),
        ({"type": ...}, "", "required"),
        ({"dataschema": "https://example.com/order"}, "/dataschema", "invalid-data"),
        ({"dataschema": "crossdock:hr.person.hired/1.0.0"}, "/dataschema", "invalid-data"),
        ({"datacontenttype": "text/plain"}, "/datacontenttype", "const"),
        ({"Nats-Rollup": "all"}, "/Nats-Rollup", "name"),
        ({"a/b~": "x"}, "/a~1b~0", "name"),
        ({"nested": {"a": 1}}, "/nested", "type"),
        ({"data": ...}, "", "required"),
        ({"data": {"id": "x", "total": -1}}, "/data/total", "minimum"),
        ({"data_base64": "e30="}, "/data_base64", "oneOf"),
        ({"data": ..., "data_base64": "***"}, "/data_base64", "contentEncoding"),
        ({f"x{number}": "1" for number in range(33)}, "", "maxProperties"),
        ({f"x{number}": "1" for number in range(100)}, "", "maxProperties"),
    ],
)
async def test_a_bad_event_is_refused_with_the_place(  # I5
    door: Running, changed: dict[str, object], pointer: str, keyword: str
) -> None:
    response = await send(door, event(**changed), STRUCTURED)
    assert (pointer, keyword) in errors_of(response, 400)
    assert await door.stored() == []


async def test_every_problem_is_told_at_once(door: Running) -> None:
    bad = event(id=..., time="never", data={"total": -1})
    assert errors_of(await send(door, bad, STRUCTURED), 400) == {
        ("", "required"),
        ("/time", "format"),
        ("/data", "required"),
        ("/data/total", "minimum"),
    }


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"type": "sales.order.lost"}, 404),
        ({"type": "sales.>"}, 404),
        ({"dataschema": "crossdock:sales.order.placed/9.0.0"}, 404),
        ({"type": "hr.person.hired"}, 403),
        ({"source": "/t/gateway/hr"}, 403),
        ({"source": "/t/router/orders"}, 403),
        ({"source": "/hr/system"}, 403),
    ],
)
async def test_what_a_client_may_not_send_is_refused(
    door: Running, changed: dict[str, object], status: int
) -> None:
    errors_of(await send(door, event(**changed), STRUCTURED), status)
    assert await door.stored() == []


async def test_a_client_sends_only_under_its_own_sources_when_it_has_some(door: Running) -> None:
    headers = {"x-api-key": HR_KEY, "content-type": "application/cloudevents+json"}
    hired = event(type="hr.person.hired", source="/hr/system")
    assert (await send(door, hired, headers)).status_code == 202
    assert (await send(door, hired | {"source": "/shop/eu"}, headers)).status_code == 403
    assert (await send(door, hired | {"source": "/t/gateway/hr"}, headers)).status_code == 202


async def test_a_batch_is_stored_whole_and_in_order(door: Running) -> None:
    response = await send(door, [event(id=f"e{number}") for number in range(5)], BATCHED)
    assert response.status_code == 202, response.text
    answer = response.json()
    assert [each["id"] for each in answer] == [f"e{number}" for number in range(5)]
    assert answer[4]["location"] == "/v1/messages/e4?seq=5"
    assert [each.id for each in await door.stored()] == [f"e{number}" for number in range(5)]


async def test_one_bad_event_refuses_the_whole_batch(door: Running) -> None:
    batch = [event(), event(id="e2", data={}), 7, event(id=..., type="no.such.contract")]
    response = await send(door, batch, BATCHED)
    assert errors_of(response, 403) >= {
        ("/1/data", "required"),
        ("/2", "type"),
        ("/3", "required"),
        ("/3/type", "forbidden"),
    }
    assert await door.stored() == []


async def test_an_unknown_contract_in_a_batch_is_told_with_its_place(door: Running) -> None:
    response = await send(door, [event(), event(type="sales.order.lost")], BATCHED)
    assert errors_of(response, 400) == {("/1/type", "unknown-contract")}


async def test_a_batch_has_a_largest_size(door: Running) -> None:  # I8
    response = await send(door, [event(id=f"e{number}") for number in range(6)], BATCHED)
    assert response.status_code == 413


async def test_an_empty_batch_is_taken_and_stores_nothing(door: Running) -> None:
    response = await send(door, [], BATCHED)
    assert (response.status_code, response.json()) == (202, [])
    assert await door.stored() == []


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/cloudevents+xml"}, b"<event/>", 415),
        ({"content-type": "text/plain", "ce-specversion": "1.0"}, b"{}", 415),
        ({"content-type": "application/json"}, b"{}", 400),
        ({"content-type": "application/json", "ce-id": "%ff"}, b"{}", 400),
        ({"content-type": "application/json", "ce-datacontenttype": "x"}, b"{}", 400),
        ({"content-type": "application/json", "ce-bad-name": "x"}, b"{}", 400),
        ({"content-type": "application/cloudevents+json"}, b"[]", 400),
        ({"content-type": "application/cloudevents+json"}, b"{", 400),
        ({"content-type": "application/cloudevents+json"}, b'{"id":"\xff"}', 400),
        ({"content-type": "application/cloudevents+json"}, b'{"data":' * 9000, 400),
        ({"content-type": "application/cloudevents-batch+json"}, b"{}", 400),
        ({"content-type": "application/cloudevents-batch+json"}, b"[" * 90_000, 400),
        ({"content-type": "application/cloudevents-batch+json"}, b'[{"id":"\xff"}]', 400),
    ],
)
async def test_what_is_no_event_is_refused(
    door: Running, headers: dict[str, str], body: bytes, status: int
) -> None:
    response = await door.http.post(EVENTS, content=body, headers={**BEARER, **headers})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert (await door.http.get("/livez")).status_code == 200


async def test_a_trace_of_the_event_goes_before_that_of_the_request(door: Running) -> None:
    own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    request = {"traceparent": "00-11111111111111111111111111111111-2222222222222222-00"}
    await send(door, event(traceparent=own), {**STRUCTURED, **request})
    await send(door, event(id="e-2"), {**STRUCTURED, **request})
    first, second = await door.stored()
    assert first.extensions["traceparent"] == own
    assert second.extensions["traceparent"] == request["traceparent"]
