"""apis/: callers with a path and a shape of their own, by real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from crossdock.contracts import Halt
from crossdock.gateway.api import Api, compile_api, load_apis
from crossdock.gateway.api_file import ApiFile
from nats_server import NatsServer
from project_folder import write
from running_gateway import BEARER, CLIENTS, HR_KEY, ORDER, REGISTRY, Running, connected, running

NEW_ORDER = ApiFile(
    api="new-order",
    path="/shops/{shop}/orders",
    publishes="sales.order.placed@^2",
    map='{"id": path.shop & "/" & body.nr, "total": $number(query.total)}',
    id="body.nr",
)
PLAIN = ApiFile(api="plain", path="/orders", method="PUT", publishes="sales.order.placed@^2")


def compiled(*files: ApiFile) -> tuple[Api, ...]:
    return tuple(compile_api(each, REGISTRY, Path()) for each in files)


@pytest.fixture
async def door(nats_server: NatsServer) -> AsyncIterator[Running]:
    async with connected(nats_server.url) as bus, running(bus) as door:
        door.gateway.replace(REGISTRY, CLIENTS, compiled(NEW_ORDER, PLAIN))
        yield door


async def test_a_request_becomes_a_message_by_the_mapping(door: Running) -> None:  # I1
    response = await door.http.post(
        "/shops/k%C3%B8b/orders?total=12.5", json={"nr": "17"}, headers=BEARER
    )
    assert response.status_code == 202, response.text
    answer = response.json()
    (message,) = await door.stored()
    assert message.id == answer["id"]
    assert message.type == "sales.order.placed"
    assert json.loads(message.data) == {"id": "køb/17", "total": 12.5}
    found = await door.http.get(response.headers["location"], headers=BEARER)
    assert found.json()["id"] == message.id


async def test_without_a_mapping_the_body_is_the_data_byte_by_byte(door: Running) -> None:
    body = b'{"total":  1.50, "id": "x"}'
    headers = BEARER | {"content-type": "application/json"}
    response = await door.http.put("/orders", content=body, headers=headers)
    assert response.status_code == 202
    assert (await door.stored())[0].data == body


async def test_the_id_of_an_api_makes_a_repeat_the_same_message(door: Running) -> None:  # I4
    first = await post(door, {"nr": 5})
    again = await post(door, {"nr": 5})
    other = await post(door, {"nr": 6})
    own = await post(door, {"nr": 5}, key="mine")
    assert first.json() == again.json()
    assert len({each.json()["id"] for each in (first, other, own)}) == 3
    assert len(await door.stored()) == 3


@pytest.mark.parametrize(
    ("body", "query", "pointer"),
    [
        (b'{"nr": 1, "secret": ', "total=1", ""),
        (b'{"nr": ' + b"[" * 200 + b"]" * 200 + b"}", "total=1", ""),
        (b'{"nr": 1}', "total=-1", "/total"),
    ],
)
async def test_what_the_contract_or_the_reader_refuses_is_told_by_its_place(
    door: Running, body: bytes, query: str, pointer: str
) -> None:  # I5
    headers = BEARER | {"content-type": "application/json"}
    response = await door.http.post(f"/shops/a/orders?{query}", content=body, headers=headers)
    assert response.status_code == 400, response.text
    problem = response.json()
    assert problem["type"] == "urn:crossdock:problem:invalid-data"
    assert [each["pointer"] for each in problem["errors"]] == [pointer]
    assert "secret" not in response.text
    assert await door.stored() == []


async def test_a_mapping_that_fails_refuses_without_a_value_of_the_request(door: Running) -> None:
    response = await post(door, {"nr": 1}, query="total=topsecret")
    assert response.status_code == 400
    assert "topsecret" not in response.text  # I6


async def test_a_number_that_the_mapping_would_round_is_refused(door: Running) -> None:  # I5
    response = await post(door, {"nr": 9007199254740993})
    assert response.status_code == 400, response.text
    assert [each["pointer"] for each in response.json()["errors"]] == ["/nr"]
    assert await door.stored() == []


async def test_a_mapping_without_an_end_is_no_fault_of_the_gateway(door: Running) -> None:  # I8
    endless = msgspec.structs.replace(
        NEW_ORDER, id=None, map="($f := function($x){$f($x)}; $f(body.nr))"
    )
    door.gateway.replace(REGISTRY, CLIENTS, compiled(endless))
    response = await post(door, {"nr": 1})
    assert response.status_code in (400, 503), response.text


async def test_an_id_that_is_not_there_is_refused(door: Running) -> None:
    response = await post(door, {"number": 1})
    assert response.status_code == 400
    assert "`id`" in response.json()["detail"]


async def test_nobody_gets_in_without_a_key_or_with_one_for_another_contract(
    door: Running,
) -> None:
    assert (await door.http.put("/orders", json=ORDER)).status_code == 401
    stranger = await door.http.put("/orders", json=ORDER, headers={"x-api-key": HR_KEY})
    assert stranger.status_code == 403


async def test_another_method_is_405_and_another_path_404(door: Running) -> None:
    wrong = await door.http.post("/orders", json=ORDER, headers=BEARER)
    assert wrong.status_code == 405
    assert "PUT" in wrong.headers["allow"]
    assert (await door.http.post("/order", json=ORDER, headers=BEARER)).status_code == 404


async def test_an_api_that_is_removed_is_gone_at_once(door: Running) -> None:
    door.gateway.replace(REGISTRY, CLIENTS)
    assert (await door.http.put("/orders", json=ORDER, headers=BEARER)).status_code == 404


async def test_a_query_beyond_its_bound_is_refused(door: Running) -> None:  # I8
    query = "&".join(f"f{number}=1" for number in range(101))
    response = await post(door, {"nr": 1}, query=query)
    assert response.status_code == 400
    assert response.json()["type"] == "urn:crossdock:problem:malformed-request"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/v1/messages/x", "below /v1"),
        ("/metrics", "below /metrics"),
        ("orders", "not a path"),
        ("/a//b", "not a path"),
        ("/a/../b", "not a path"),
        ("/a b", "not a path"),
        ("/{a}/{a}", "comes twice"),
        ("/{a}x", "not a path"),
        ("/" + "a/" * 20 + "a", "not a path"),
    ],
)
def test_a_path_that_cannot_be_served_is_refused_with_its_place(path: str, why: str) -> None:
    file = ApiFile(api="x", path=path, publishes="sales.order.placed")
    with pytest.raises(Halt) as caught:
        compile_api(file, REGISTRY, Path())
    assert [each.pointer for each in caught.value.problems] == ["/path"]
    assert why in caught.value.problems[0].message


def test_every_problem_of_every_api_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "apis/a.yaml", "api: a\npath: /a/{x}\npublishes: sales.order.placed\n")
    write(tmp_path, "apis/b.yaml", "api: b\npath: /a/{y}\npublishes: sales.order.placed\n")
    write(tmp_path, "apis/c.yaml", "api: c\npath: /c\npublishes: no.such.thing\nmap: 'a +'\n")
    with pytest.raises(Halt) as caught:
        load_apis(tmp_path, REGISTRY)
    places = [each.place for each in caught.value.problems]
    assert places == ["apis/c.yaml", "apis/c.yaml", "apis/b.yaml"]


async def post(
    door: Running, body: object, *, query: str = "total=1", key: str | None = None
) -> httpx.Response:
    headers = BEARER | ({"idempotency-key": key} if key else {})
    return await door.http.post(f"/shops/a/orders?{query}", json=body, headers=headers)
