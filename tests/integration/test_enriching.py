"""Content Enricher on a real broker, with real systems to ask over HTTP and SQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from starlette.responses import JSONResponse, Response

from answering_peer import AnsweringPeer, Question
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.expression import Json
from crossdock.router.running import Router
from nats_server import NatsServer
from project_folder import write, write_contract
from running_router import connected, entries, in_book, project, put, started, stop

QUICK = "{attempts: 3, delays: [20ms], breaker_pause: 50ms}"
CARD = "4929-secret-0001"
STEPS = """\
- enrich: {call: prices, with: "{'sku': sku, 'n': n}", into: price%s}
- map: "{'sku': sku, 'price': $price}"
"""


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


def asking(folder: Path, url: str, *, more: str = "", call: str = "", http: str = "") -> Path:
    """A project whose one route asks for a price by SKU."""
    project(folder, STEPS % more, policy=QUICK)
    where = f"http: {{url: '{url}/price/{{sku}}'{http}}}"
    write(folder, "calls/prices.yaml", f"call: prices\n{where}\n{call}")
    return folder


def always(answer: Json, status: int = 200) -> Callable[[Question], Response]:
    return lambda _: JSONResponse(answer, status_code=status)


async def booked(bus: Bus, router: Router) -> list[Json]:
    await stop(router, bus)
    return [msgspec.json.decode(each.data) for each in await in_book(bus)]


async def buried(bus: Bus) -> list[dead_letters.DeadLetter]:
    return [each async for each in dead_letters.listing(bus)]


async def test_an_answer_over_http_is_sent_on(
    bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRICES_TOKEN", CARD)
    with AnsweringPeer(always({"amount": 4})) as peer:
        auth = ", auth: {type: bearer, token: '${env:PRICES_TOKEN}'}"
        router = await started(bus, asking(tmp_path, peer.url, http=auth))
        await put(bus, 1, {"sku": "tea/green ü"})
        assert await booked(bus, router) == [{"sku": "tea/green ü", "price": {"amount": 4}}]
    (question,) = peer.questions
    assert question.target == "/price/tea%2Fgreen%20%C3%BC"
    assert question.headers["authorization"] == f"Bearer {CARD}"


async def test_a_post_sends_the_question_as_json(bus: Bus, tmp_path: Path) -> None:
    with AnsweringPeer(lambda each: Response(each.body)) as peer:
        router = await started(bus, asking(tmp_path, peer.url, http=", method: POST"))
        await put(bus, 1, {"sku": "tea", "n": 2})
        assert await booked(bus, router) == [{"sku": "tea", "price": {"sku": "tea", "n": 2}}]


async def test_a_status_that_means_nothing_answers_null(bus: Bus, tmp_path: Path) -> None:
    with AnsweringPeer(always({}, 404)) as peer:
        router = await started(bus, asking(tmp_path, peer.url, http=", nothing: [404]"))
        await put(bus, 1, {"sku": "tea"})
        assert await booked(bus, router) == [{"sku": "tea", "price": None}]


async def test_i8_messages_ask_at_the_same_time_but_not_more_than_is_allowed(
    bus: Bus, tmp_path: Path
) -> None:
    with AnsweringPeer(always(1), wait=0.05) as peer:
        for number in range(40):
            await put(bus, number, {"sku": f"s{number}"})
        router = await started(bus, asking(tmp_path, peer.url, http=", concurrency: 4"))
        assert [each["sku"] for each in await booked(bus, router)] == [f"s{n}" for n in range(40)]
    assert peer.most_at_once == 4


async def test_a_cached_answer_is_asked_for_once_also_by_many_at_the_same_time(
    bus: Bus, tmp_path: Path
) -> None:
    with AnsweringPeer(always(1), wait=0.05) as peer:
        for number in range(100):
            await put(bus, number, {"sku": "tea" if number % 2 else "cup"})
        router = await started(bus, asking(tmp_path, peer.url, more=", cache: 60s"))
        assert len(await booked(bus, router)) == 100
    assert len(peer.questions) == 2


async def test_i2_a_call_that_fails_for_now_is_tried_again_with_its_message(
    bus: Bus, tmp_path: Path
) -> None:
    failures = [503, 429]

    def answer(_: Question) -> Response:
        return JSONResponse(4, status_code=failures.pop() if failures else 200)

    with AnsweringPeer(answer) as peer:
        router = await started(bus, asking(tmp_path, peer.url))
        await put(bus, 1, {"sku": "tea"})
        assert await booked(bus, router) == [{"sku": "tea", "price": 4}]
    assert len(peer.questions) == 3


async def test_a_system_that_is_away_makes_no_dead_letter_however_long(
    bus: Bus, tmp_path: Path
) -> None:
    peer = AnsweringPeer(always(4))
    router = await started(bus, asking(tmp_path, peer.url))
    await put(bus, 1, {"sku": "tea"})
    async with asyncio.timeout(20):
        while (await bus.jetstream.consumer_info("t-in", "route-r")).delivered.consumer_seq < 6:
            await asyncio.sleep(0.02)
    with peer:
        assert await booked(bus, router) == [{"sku": "tea", "price": 4}]
    assert await buried(bus) == []


@pytest.mark.parametrize(
    ("answer", "status", "call"),
    [
        ({"secret": CARD}, 400, ""),
        ({"secret": CARD}, 404, ""),
        (CARD * 100, 200, "max_answer: 512B"),
        ({"amount": CARD}, 200, "answers: prices.price.told@1"),
    ],
)
async def test_i6_an_answer_that_can_never_do_is_a_dead_letter_that_tells_no_value(
    bus: Bus, tmp_path: Path, answer: Json, status: int, call: str
) -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "number"}}}
    write_contract(tmp_path, "prices.price.told", schema)
    with AnsweringPeer(always(answer, status)) as peer:
        router = await started(bus, asking(tmp_path, peer.url, call=call))
        await put(bus, 1, {"sku": "tea"})
        assert await booked(bus, router) == []
    (letter,) = await buried(bus)
    assert letter.cause.reason.startswith("call prices: ")
    assert CARD not in str(letter.cause)
    assert len(peer.questions) == 1


async def test_wrong_credentials_halt_the_route_and_touch_no_message(
    bus: Bus, tmp_path: Path
) -> None:
    with AnsweringPeer(always({}, 401)) as peer:
        router = await started(bus, asking(tmp_path, peer.url))
        await put(bus, 1, {"sku": "tea"})
        async with asyncio.timeout(30):
            while not (why := router.not_ready()):
                await asyncio.sleep(0.01)
        await router.stop()
    assert why.startswith("r is halted: call prices: the server answered 401")
    assert (await buried(bus), await in_book(bus)) == ([], [])


async def test_an_answer_that_does_not_come_in_time_is_tried_again_then_buried(
    bus: Bus, tmp_path: Path
) -> None:
    with AnsweringPeer(always(1), wait=5) as peer:
        router = await started(bus, asking(tmp_path, peer.url, call="timeout: 100ms"))
        await put(bus, 1, {"sku": "tea"})
        assert await booked(bus, router) == []
    (letter,) = await buried(bus)
    assert (letter.cause.reason, letter.cause.attempts) == (
        "call prices: no answer within 0.1 s",
        3,
    )


async def test_a_route_that_can_do_without_goes_on_and_its_record_says_so(
    bus: Bus, tmp_path: Path
) -> None:
    default = ", on_error: default, default: {amount: 0}"
    with AnsweringPeer(always({}, 500)) as peer:
        router = await started(bus, asking(tmp_path, peer.url, more=default))
        await put(bus, 1, {"sku": "tea"})
        assert await booked(bus, router) == [{"sku": "tea", "price": {"amount": 0}}]
    assert [each.outcome for each in await entries(bus)] == ["routed"]


def customers(folder: Path, rows: str, *, query: str = "") -> Path:
    database = sqlite3.connect(folder / "crm.db")
    database.execute("CREATE TABLE customer (id TEXT, name TEXT, rating REAL)")
    database.executemany(
        "INSERT INTO customer VALUES (?, ?, ?)", [("a", "Ada", 1.5), ("b", "Bo", 2), ("b", "By", 3)]
    )
    database.commit()
    database.close()
    project(folder, STEPS % "", policy=QUICK)
    query = query or "SELECT name, rating FROM customer WHERE id = :sku ORDER BY name"
    sql = f"sql: {{url: 'sqlite:///crm.db', rows: {rows}, limit: 2, query: \"{query}\"}}"
    write(folder, "calls/prices.yaml", f"call: prices\n{sql}\n")
    return folder


async def test_an_answer_from_a_database_is_sent_on(bus: Bus, tmp_path: Path) -> None:
    router = await started(bus, customers(tmp_path, "one"))
    await put(bus, 1, {"sku": "a"})
    await put(bus, 2, {"sku": "nobody"})
    await put(bus, 3, {"sku": "a' OR 'b' = 'b"})
    await put(bus, 4, {"sku": "b"})  # two rows
    assert await booked(bus, router) == [
        {"sku": "a", "price": {"name": "Ada", "rating": 1.5}},
        {"sku": "nobody", "price": None},
        {"sku": "a' OR 'b' = 'b", "price": None},
    ]
    assert [each.cause.reason for each in await buried(bus)] == ["call prices: more than 1 rows"]


async def test_many_rows_are_a_list(bus: Bus, tmp_path: Path) -> None:
    router = await started(bus, customers(tmp_path, "many"))
    await put(bus, 1, {"sku": "b"})
    await put(bus, 2, {"sku": "nobody"})
    found = [each.get("price") for each in await booked(bus, router)]
    assert found == [[{"name": "Bo", "rating": 2}, {"name": "By", "rating": 3}], []]


async def test_a_query_that_would_write_halts_and_writes_nothing(bus: Bus, tmp_path: Path) -> None:
    query = "WITH x AS (SELECT :sku AS id) DELETE FROM customer WHERE id IN (SELECT id FROM x)"
    router = await started(bus, customers(tmp_path, "one", query=query))
    await put(bus, 1, {"sku": "a"})
    async with asyncio.timeout(30):
        while not (why := router.not_ready()):
            await asyncio.sleep(0.01)
    await router.stop()
    assert "SQLITE_READONLY" in why
    database = sqlite3.connect(tmp_path / "crm.db")
    assert database.execute("SELECT count(*) FROM customer").fetchone() == (3,)
    database.close()
