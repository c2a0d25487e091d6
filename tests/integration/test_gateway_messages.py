"""POST /v1/messages by real HTTP: what is answered 202 is in the stream, all else is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import httpx
import pytest

from crossdock.contracts import About, Deprecation, Registry, keyed_id
from crossdock.gateway.clients import Clients
from crossdock.mesh.project.scalars import Size
from crossdock.mesh.project.settings import BrokerSettings, GatewaySettings
from nats_server import NatsServer
from running_gateway import BEARER, CLIENTS, HR_KEY, ORDER, REGISTRY, Running, connected, running

ORDERS = "/v1/messages/sales.order.placed"
SMALL = GatewaySettings(listen="127.0.0.1:0", max_body=Size(4096))


@pytest.fixture
async def door(nats_server: NatsServer) -> AsyncIterator[Running]:
    async with connected(nats_server.url) as bus, running(bus, SMALL) as door:
        yield door


def check_problem(response: httpx.Response, status: int, kind: str) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, object] = response.json()
    assert problem["type"] == f"urn:crossdock:problem:{kind}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


async def test_a_202_means_that_the_message_is_stored(door: Running) -> None:  # I1
    response = await door.http.post(ORDERS, json=ORDER, headers=BEARER)
    assert response.status_code == 202
    answer = response.json()
    assert answer == {"id": answer["id"], "contract": "sales.order.placed", "version": "2.1.0"}
    assert response.headers["location"] == f"/v1/messages/{answer['id']}?seq=1"
    assert "server" not in response.headers
    (message,) = await door.stored()
    assert message.id == answer["id"]
    assert message.data == response.request.content
    assert message.source == "/t/gateway/shop"
    assert message.dataschema == "crossdock:sales.order.placed/2.1.0"
    assert message.time
    assert message.extensions["authid"] == "shop"
    assert message.extensions["correlationid"] == message.id


async def test_a_deprecated_contract_is_accepted_and_said_to_be_so(door: Running) -> None:
    gone = Deprecation(reason="use another", since=date(2026, 3, 1), sunset=date(2027, 1, 1))
    for deprecated, sunset in (
        (gone, "Fri, 01 Jan 2027 00:00:00 GMT"),
        (Deprecation(reason="use another", since=date(2026, 3, 1)), None),
    ):
        said = {"sales.order.placed": About(deprecated=deprecated)}
        door.gateway.replace(Registry(REGISTRY, said), CLIENTS)
        event = {"ce-id": "1", "ce-source": "/s", "ce-specversion": "1.0"}
        for path, more in (
            (ORDERS, {}),
            ("/v1/events", {**event, "ce-type": "sales.order.placed"}),
        ):
            response = await door.http.post(path, json=ORDER, headers={**BEARER, **more})
            assert response.status_code == 202
            assert response.headers["deprecation"] == "@1772323200"
            assert response.headers.get("sunset") == sunset
    door.gateway.replace(REGISTRY, CLIENTS)
    response = await door.http.post(ORDERS, json=ORDER, headers=BEARER)
    assert not {"deprecation", "sunset"} & set(response.headers)


async def test_a_range_chooses_the_version(door: Running) -> None:
    response = await door.http.post(f"{ORDERS}@^1", json={}, headers=BEARER)
    assert response.json()["version"] == "1.0.0"


async def test_the_location_tells_where_the_message_is(door: Running) -> None:
    accepted = await door.http.post(ORDERS, json=ORDER, headers=BEARER)
    found = await door.http.get(accepted.headers["location"], headers=BEARER)
    assert found.status_code == 200
    assert found.json()["contract"] == "sales.order.placed"
    without_hint = await door.http.get(f"/v1/messages/{accepted.json()['id']}", headers=BEARER)
    assert without_hint.json() == found.json()


async def test_a_client_cannot_see_messages_of_other_contracts(door: Running) -> None:
    accepted = await door.http.post(ORDERS, json=ORDER, headers=BEARER)
    other = {"x-api-key": HR_KEY}
    found = await door.http.get(accepted.headers["location"], headers=other)
    unknown = await door.http.get("/v1/messages/no-such-id", headers=other)
    assert found.json() == check_problem(unknown, 404, "not-found")


async def test_invalid_data_is_refused_with_every_problem(door: Running) -> None:  # I5
    data = {"total": -1, "lines": [{"qty": "secret"}]}
    response = await door.http.post(ORDERS, json=data, headers=BEARER)
    problem = check_problem(response, 400, "invalid-data")
    errors = problem["errors"]
    assert isinstance(errors, list)
    assert {(each["pointer"], each["keyword"]) for each in errors} == {
        ("", "required"),
        ("/total", "minimum"),
        ("/lines/0/qty", "type"),
    }
    assert all(each["message"] for each in errors)
    assert "secret" not in response.text  # I6
    assert await door.stored() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"id": "\xff", "total": 1}',
        b"[" * 2000,
        b'{"id":' * 400 + b"1" + b"}" * 400,
        b'{"id":"a","total":NaN}',
        b"{} {}",
    ],
)
async def test_what_is_not_json_is_refused(door: Running, body: bytes) -> None:
    headers = {**BEARER, "content-type": "application/json"}
    response = await door.http.post(ORDERS, content=body, headers=headers)
    check_problem(response, 400, "invalid-data")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer cdk_wrong"},
        {"authorization": "Basic c2hvcDo="},
        {"authorization": "Bearer " + "k" * 5000},
        {"authorization": "Bearer cdk_gone"},
        {"x-api-key": ""},
    ],
)
async def test_without_a_good_key_nothing_is_told(door: Running, headers: dict[str, str]) -> None:
    for path in (ORDERS, "/v1/messages/no.such.contract"):
        response = await door.http.post(path, json=ORDER, headers=headers)
        check_problem(response, 401, "unauthorized")
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert await door.stored() == []


async def test_a_contract_that_is_not_allowed_is_forbidden_whether_it_exists_or_not(
    door: Running,
) -> None:
    bodies = [
        check_problem(await door.http.post(path, json={}, headers=BEARER), 403, "forbidden")
        for path in ("/v1/messages/hr.person.hired", "/v1/messages/hr.person.fired")
    ]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize(
    "reference",
    [
        "sales.order.lost",
        "sales.order.placed@^3",
        "sales.order.placed@!",
        "sales.*.*",
        "sales.%3E",
        "sales..placed",
        "a%0D%0Ab",
        "..%2f..%2fetc",
        "x" * 3000,
        "%ff",
        "",
    ],
)
async def test_an_unknown_contract_is_404(door: Running, reference: str) -> None:
    response = await door.http.post(f"/v1/messages/{reference}", json={}, headers=BEARER)
    problem = check_problem(response, 404, "unknown-contract")
    assert "hr." not in str(problem)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/xml"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "a" * 300},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_other_media_types_are_415(door: Running, headers: dict[str, str]) -> None:
    response = await door.http.post(ORDERS, content=b"{}", headers={**BEARER, **headers})
    check_problem(response, 415, "unsupported-media-type")


@pytest.mark.parametrize("size", [4097, 10_000, 1_000_000])
async def test_a_body_that_is_too_large_is_413(door: Running, size: int) -> None:
    headers = {**BEARER, "content-type": "application/json"}
    response = await door.http.post(ORDERS, content=b" " * size, headers=headers)
    check_problem(response, 413, "too-large")


async def test_a_chunked_body_is_counted_while_it_comes(door: Running) -> None:  # I8
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 512

    headers = {**BEARER, "content-type": "application/json"}
    response = await door.http.post(ORDERS, content=chunks(), headers=headers)
    check_problem(response, 413, "too-large")


async def test_a_chunked_body_within_the_bound_is_taken(door: Running) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for part in (b'{"id":', b'"o-1",', b'"total":1}'):
            yield part

    headers = {**BEARER, "content-type": "application/json"}
    response = await door.http.post(ORDERS, content=chunks(), headers=headers)
    assert response.status_code == 202
    assert (await door.stored())[0].data == b'{"id":"o-1","total":1}'


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", ORDERS, "GET, HEAD, POST"),
        ("DELETE", f"{ORDERS}/x", "GET, HEAD, POST"),
        ("GET", "/v1/events", "POST"),
        ("POST", "/readyz", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_405(door: Running, method: str, path: str, allow: str) -> None:
    response = await door.http.request(method, path, headers=BEARER)
    check_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == allow


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/messages", "/v1/events/", "/.env"])
async def test_an_unknown_path_is_404(door: Running, path: str) -> None:
    check_problem(await door.http.get(path, headers=BEARER), 404, "not-found")


async def test_an_idempotency_key_makes_a_repeat_the_same_message(door: Running) -> None:  # I4
    headers = {**BEARER, "idempotency-key": "order 1"}
    first = await door.http.post(ORDERS, json=ORDER, headers=headers)
    again = await door.http.post(ORDERS, json=ORDER, headers=headers)
    other = await door.http.post(ORDERS, json={**ORDER, "total": 99}, headers=headers)
    assert first.status_code == again.status_code == other.status_code == 202
    assert first.json() == again.json() == other.json()
    assert first.json()["id"] == keyed_id("shop", "sales.order.placed", "order 1")
    assert first.headers["location"] == again.headers["location"] == other.headers["location"]
    (message,) = await door.stored()
    assert message.data == first.request.content  # the first wins


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\xe9"])
async def test_a_bad_idempotency_key_is_refused(door: Running, key: str) -> None:
    headers = [(name.encode(), value.encode()) for name, value in BEARER.items()]
    headers.append((b"idempotency-key", key.encode("latin-1")))
    response = await door.http.post(ORDERS, json=ORDER, headers=headers)
    check_problem(response, 400, "malformed-request")


async def test_a_header_that_decides_must_not_be_there_twice(door: Running) -> None:
    pairs = [
        ("authorization", BEARER["authorization"]),
        ("content-type", "application/json"),
        ("idempotency-key", "a"),
        ("idempotency-key", "b"),
    ]
    response = await door.http.post(ORDERS, content=b"{}", headers=pairs)
    check_problem(response, 400, "malformed-request")


async def test_no_header_of_a_caller_reaches_the_broker(door: Running) -> None:
    hostile = {
        "Nats-Msg-Id": "x",
        "Nats-Expected-Stream": "no-such-stream",
        "Nats-Rollup": "all",
        "ce-source": "/somebody/else",
        "ce-authid": "root",
        "traceparent": "junk",
        "tracestate": "junk",
        "x-custom": "1",
    }
    response = await door.http.post(ORDERS, json=ORDER, headers={**BEARER, **hostile})
    assert response.status_code == 202
    (stored,) = [each async for each in door.bus.read("in")]
    assert {name.lower() for name in stored.headers} == {
        "ce-specversion",
        "ce-id",
        "ce-source",
        "ce-type",
        "ce-dataschema",
        "ce-time",
        "ce-correlationid",
        "ce-authid",
        "ce-traceparent",
        "content-type",
        "nats-msg-id",
    } | {name.lower() for name in stored.headers if name.startswith("Nats-Batch")}
    assert stored.headers["ce-authid"] == "shop"
    assert stored.headers["ce-traceparent"] != "junk"


async def test_a_valid_trace_goes_on(door: Running) -> None:
    trace = {
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        "tracestate": "vendor=1",
    }
    await door.http.post(ORDERS, json=ORDER, headers={**BEARER, **trace})
    (message,) = await door.stored()
    assert message.extensions["traceparent"] == trace["traceparent"]
    assert message.extensions["tracestate"] == trace["tracestate"]


async def test_many_at_once_are_each_stored_once(door: Running) -> None:
    responses = await asyncio.gather(
        *(door.http.post(ORDERS, json=ORDER, headers=BEARER) for _ in range(100))
    )
    assert {each.status_code for each in responses} == {202}
    ids = [each.json()["id"] for each in responses]
    assert sorted(ids) == sorted(each.id for each in await door.stored())


async def test_other_clients_and_contracts_hold_at_once(door: Running) -> None:
    door.gateway.replace(REGISTRY, Clients())
    check_problem(await door.http.post(ORDERS, json=ORDER, headers=BEARER), 401, "unauthorized")
    door.gateway.replace(REGISTRY, CLIENTS)
    assert (await door.http.post(ORDERS, json=ORDER, headers=BEARER)).status_code == 202


async def test_anonymous_callers_are_taken_when_the_settings_say_so(
    nats_server: NatsServer,
) -> None:
    async with (
        connected(nats_server.url) as bus,
        running(bus, clients=Clients(anonymous=True)) as door,
    ):
        assert (await door.http.post(ORDERS, json=ORDER)).status_code == 202
        assert (await door.stored())[0].source == "/t/gateway/anonymous"
        wrong = await door.http.post(ORDERS, json=ORDER, headers={"x-api-key": "cdk_wrong"})
        check_problem(wrong, 401, "unauthorized")


async def test_a_full_stream_is_503_and_nothing_is_lost(nats_server: NatsServer) -> None:  # I8
    broker = BrokerSettings(max_bytes=Size(4096))
    async with connected(nats_server.url, broker) as bus, running(bus) as door:
        responses = [await door.http.post(ORDERS, json=ORDER, headers=BEARER) for _ in range(30)]
        taken = [each.json()["id"] for each in responses if each.status_code == 202]
        refused = [each for each in responses if each.status_code != 202]
        assert taken
        assert refused
        for each in refused:
            check_problem(each, 503, "unavailable")
            assert int(each.headers["retry-after"]) >= 1
        assert taken == [each.id for each in await door.stored()]


async def test_beyond_the_pending_bound_it_is_503(nats_server: NatsServer) -> None:  # I8
    settings = GatewaySettings(listen="127.0.0.1:0", max_pending=0)
    async with connected(nats_server.url) as bus, running(bus, settings) as door:
        response = await door.http.post(ORDERS, json=ORDER, headers=BEARER)
        check_problem(response, 503, "unavailable")
        assert int(response.headers["retry-after"]) >= 1


async def test_refusals_and_acceptances_are_counted(door: Running) -> None:
    await door.http.post(ORDERS, json=ORDER, headers=BEARER)
    await door.http.post(ORDERS, json={}, headers=BEARER)
    shown = (await door.http.get("/metrics")).text
    assert 'crossdock_gateway_accepted_messages_total{component="gateway",contract="sales.' in shown
    assert 'reason="invalid-data"' in shown
