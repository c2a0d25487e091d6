"""Contracts and documents by real HTTP: who may see what, and that it is not sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from crossdock.contracts import About, Contract, Deprecation, Registry
from crossdock.gateway.clients import Client, Clients, digest_of
from crossdock.mesh.project.settings import GatewaySettings
from nats_server import NatsServer
from running_gateway import BEARER, CLIENTS, HR_KEY, REGISTRY, SHOP_KEY, Running, connected, running

HR = {"x-api-key": HR_KEY}
ORDERS = "/v1/contracts/sales.order.placed"


@pytest.fixture
async def door(nats_server: NatsServer) -> AsyncIterator[Running]:
    async with connected(nats_server.url) as bus, running(bus) as door:
        yield door


async def test_a_client_sees_the_contracts_that_it_may_send_and_no_others(door: Running) -> None:
    seen = (await door.http.get("/v1/contracts", headers=BEARER)).json()
    assert seen == [
        {
            "name": "sales.order.placed",
            "href": ORDERS,
            "versions": [
                {"version": "1.0.0", "href": f"{ORDERS}/1.0.0"},
                {"version": "2.1.0", "href": f"{ORDERS}/2.1.0"},
            ],
        }
    ]
    others = (await door.http.get("/v1/contracts", headers=HR)).json()
    assert [each["name"] for each in others] == ["hr.person.hired"]
    assert (await door.http.get(ORDERS, headers=BEARER)).json() == seen[0]


@pytest.mark.parametrize(
    "path",
    ["/v1/contracts", ORDERS, f"{ORDERS}/1.0.0", "/openapi.json", "/asyncapi.json"],
)
async def test_nothing_is_shown_without_a_key(door: Running, path: str) -> None:
    response = await door.http.get(path)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert "sales" not in response.text


@pytest.mark.parametrize("path", [ORDERS, f"{ORDERS}/1.0.0", "/v1/contracts/sales.no.such/1"])
async def test_a_client_cannot_tell_contracts_of_others_from_none(door: Running, path: str) -> None:
    response = await door.http.get(path, headers=HR)
    assert (response.status_code, response.json()["type"]) == (
        403,
        "urn:crossdock:problem:forbidden",
    )


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("1", "1.0.0"),
        ("1.0.0", "1.0.0"),
        ("latest", "2.1.0"),
        ("^2", "2.1.0"),
        ("%3E%3D1", "2.1.0"),
    ],
)
async def test_a_range_leads_to_a_version_and_says_which(
    door: Running, version: str, found: str
) -> None:
    response = await door.http.get(f"{ORDERS}/{version}", headers=BEARER)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/schema+json"
    assert response.headers["content-location"] == f"{ORDERS}/{found}"
    wanted = next(each for each in REGISTRY if each.dataschema.endswith(f"placed/{found}"))
    assert response.json() == wanted.schema


async def test_who_reads_a_deprecated_contract_is_told(door: Running) -> None:
    about = About(deprecated=Deprecation(reason="old", since=date(2026, 3, 1)))
    door.gateway.replace(Registry(REGISTRY, {"sales.order.placed": about}), CLIENTS)
    for path in (ORDERS, f"{ORDERS}/latest"):
        response = await door.http.get(path, headers=BEARER)
        assert response.headers["deprecation"] == "@1772323200"
    assert (await door.http.get(ORDERS, headers=BEARER)).json()["deprecated"].startswith("old (")
    document = (await door.http.get("/openapi.json", headers=BEARER)).json()
    assert document["paths"]["/v1/messages/sales.order.placed"]["post"]["deprecated"] is True


@pytest.mark.parametrize("version", ["3", "0.9.0", "nonsense", "%2e%2e", "%00", "1" * 300])
async def test_a_version_that_is_not_there_is_a_problem(door: Running, version: str) -> None:
    response = await door.http.get(f"{ORDERS}/{version}", headers=BEARER)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/contracts", ORDERS, f"{ORDERS}/2.1.0", "/openapi.json"])
async def test_what_a_caller_has_is_not_sent_again(door: Running, path: str) -> None:
    first = await door.http.get(path, headers=BEARER)
    assert first.headers["cache-control"] == "private, no-cache"
    etag = first.headers["etag"]
    assert etag.startswith('"')
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = await door.http.get(path, headers={**BEARER, "if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    other = await door.http.get(path, headers={**BEARER, "if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


async def test_a_head_has_no_body(door: Running) -> None:
    response = await door.http.head(f"{ORDERS}/2.1.0", headers=BEARER)
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 2


async def test_what_is_read_follows_the_contracts_of_now(door: Running) -> None:
    before = await door.http.get("/openapi.json", headers=BEARER)
    newer = Contract("sales.order.placed", "3.0.0", {"type": "object", "title": "Newer"})
    door.gateway.replace(Registry([*REGISTRY, newer]), CLIENTS)
    after = await door.http.get("/openapi.json", headers=BEARER)
    assert after.headers["etag"] != before.headers["etag"]
    assert after.json()["info"]["version"] != before.json()["info"]["version"]
    entry = (await door.http.get(ORDERS, headers=BEARER)).json()
    assert entry["title"] == "Newer"
    latest = await door.http.get(f"{ORDERS}/latest", headers=BEARER)
    assert latest.headers["content-location"] == f"{ORDERS}/3.0.0"


async def test_the_openapi_document_is_valid_and_shows_what_the_client_may_send(
    door: Running,
) -> None:
    document = (await door.http.get("/openapi.json", headers=BEARER)).json()
    OpenAPIV31SpecValidator(document).validate()
    assert "/v1/messages/sales.order.placed" in document["paths"]
    assert "hr.person.hired" not in str(document)


async def test_the_mesh_is_shown_only_with_the_scope(nats_server: NatsServer) -> None:
    reader = Client(name="reader", key_sha256=digest_of("cdk_reader"), scopes=("mesh",))
    clients = Clients([reader])
    async with connected(nats_server.url) as bus, running(bus, clients=clients) as door:
        allowed = await door.http.get("/asyncapi.json", headers={"x-api-key": "cdk_reader"})
        assert allowed.json()["asyncapi"] == "3.0.0"
        assert "in.hr.person.hired" in allowed.json()["channels"]
        door.gateway.replace(REGISTRY, CLIENTS)
        refused = await door.http.get("/asyncapi.json", headers=BEARER)
        assert refused.status_code == 403


async def test_many_who_ask_at_once_wait_for_one_document(door: Running) -> None:
    made: list[object] = []
    describe = door.gateway._ingress.doors.describe

    def counted() -> object:
        made.append(None)
        return describe()

    door.gateway.replace(REGISTRY, CLIENTS, (), counted)  # type: ignore[arg-type] # as it is called
    async with httpx.AsyncClient(base_url=door.url, headers=BEARER) as http:
        answers = await asyncio.gather(*(http.get("/openapi.json") for _ in range(20)))
    assert {each.status_code for each in answers} == {200}
    assert len(made) == 1


async def test_an_anonymous_gateway_shows_everything_to_everybody(nats_server: NatsServer) -> None:
    settings = GatewaySettings(listen="127.0.0.1:0", anonymous=True)
    clients = Clients(anonymous=True)
    async with connected(nats_server.url) as bus, running(bus, settings, clients=clients) as door:
        document = (await door.http.get("/openapi.json")).json()
        assert {} in document["security"]
        assert "/v1/messages/hr.person.hired" in document["paths"]
        assert (await door.http.get("/asyncapi.json")).status_code == 200


async def test_the_page_asks_for_a_key_and_never_gives_it_back(door: Running) -> None:
    form = await door.http.get("/docs")
    assert form.status_code == 401
    assert 'name="key"' in form.text
    assert "sales.order.placed" not in form.text
    shown = await door.http.post("/docs", data={"key": SHOP_KEY})
    assert shown.status_code == 200
    assert "/v1/messages/sales.order.placed" in shown.text
    assert "hr.person.hired" not in shown.text
    assert SHOP_KEY not in shown.text
    assert "set-cookie" not in shown.headers
    assert shown.headers["cache-control"] == "no-store"
    by_header = await door.http.get("/docs", headers=BEARER)
    assert by_header.text == shown.text


async def test_the_page_may_load_and_run_nothing_but_itself(door: Running) -> None:
    for response in (await door.http.get("/docs"), await door.http.get("/docs", headers=BEARER)):
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"key=cdk_wrong", "application/x-www-form-urlencoded", 401),
        (b"key=", "application/x-www-form-urlencoded", 401),
        (b"other=1", "application/x-www-form-urlencoded", 401),
        (b"key=%ff%00", "application/x-www-form-urlencoded", 401),
        (b"key=\xff", "application/x-www-form-urlencoded", 400),
        (b"a=1&b=2&c=3", "application/x-www-form-urlencoded", 400),
        (b"key=" + b"k" * 2000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
    ],
)
async def test_a_form_that_is_none_is_refused(
    door: Running, content: bytes, kind: str, status: int
) -> None:
    response = await door.http.post("/docs", content=content, headers={"content-type": kind})
    assert response.status_code == status
    assert "sales" not in response.text


async def test_what_a_schema_says_cannot_become_part_of_the_page(door: Running) -> None:
    evil = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    schema = {"title": evil, "description": evil, "properties": {evil: {"description": evil}}}
    door.gateway.replace(Registry([Contract("sales.order.placed", "1.0.0", schema)]), CLIENTS)
    page = (await door.http.get("/docs", headers=BEARER)).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page
