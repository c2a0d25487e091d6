"""Request-Reply: a caller asks over HTTP, a system behind ``http-out`` answers, all real."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from starlette.responses import JSONResponse, Response

from asking_project import (
    ANSWERED,
    ASK,
    ASKED,
    OTHER,
    QUESTION,
    SHOP,
    SUBJECTS,
    ask,
    asking_project,
    door,
    flat,
    good,
    has_letters,
    holds,
    letters,
    problem_kind,
    running_workers,
    stored,
    trail_of,
    until,
)
from crossdock.cli.project_check import inspect_project
from crossdock.cli.why_story import Teller
from crossdock.contracts import Message
from crossdock.contracts.reference import dataschema
from crossdock.contracts.replying import return_address
from crossdock.mesh import dead_letters, redriving
from crossdock.mesh.bus import Bus
from crossdock.mesh.conversation import is_over
from crossdock.mesh.project.scalars import Duration, Size
from crossdock.mesh.project.settings import ClaimCheckSettings, GatewaySettings
from http_peer import HttpPeer
from nats_server import NatsServer
from running_gateway import Running
from running_router import connected, running_router

SHORT = GatewaySettings(listen="127.0.0.1:0", max_waiting=1, max_wait=Duration(20))


@pytest.fixture
def bureau() -> Iterator[HttpPeer]:
    peer = HttpPeer(good)
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


@pytest.fixture
def folder(bureau: HttpPeer, tmp_path: Path) -> Path:
    return asking_project(tmp_path / "project", bureau.url)


@pytest.fixture
async def gateway(bus: Bus, folder: Path) -> AsyncIterator[Running]:
    async with (
        running_router(bus, folder),
        running_workers(bus, folder),
        door(bus, folder) as gateway,
    ):
        yield gateway


async def test_who_waits_gets_the_reply_and_all_of_it_is_stored(
    gateway: Running, bureau: HttpPeer
) -> None:
    response = await ask(gateway.http)
    assert response.status_code == 200, response.text
    assert response.json() == {"customer": "c-1", "score": 7}
    assert response.headers["preference-applied"] == "wait=20"
    assert response.headers["ce-type"] == ANSWERED
    assert bureau.calls[0].value == QUESTION
    asked, answered = await stored(gateway.bus, "in")
    assert (asked.type, answered.type) == (ASKED, ANSWERED)
    assert answered.correlation == asked.id
    assert answered.source == "/t/bureau"
    (sent,) = await stored(gateway.bus, "out")
    assert answered.extensions["causationid"] == sent.id
    (reply,) = await stored(gateway.bus, "reply")
    assert reply.extensions["causationid"] == answered.id
    again = await gateway.http.get(response.headers["content-location"], headers=SHOP)
    assert (again.status_code, again.json()) == (200, response.json())


async def test_who_does_not_wait_finds_the_reply_later(gateway: Running) -> None:
    response = await ask(gateway.http, wait="respond-async")
    assert response.status_code == 202
    where = response.headers["location"]
    assert where == response.json()["reply"]
    late = await gateway.http.get(where, headers=SHOP | {"prefer": "wait=20"})
    assert (late.status_code, late.json()) == (200, {"customer": "c-1", "score": 7})


async def test_without_a_preference_nothing_is_replied(gateway: Running) -> None:
    response = await gateway.http.post(ASK, json=QUESTION, headers=SHOP)
    assert response.status_code == 202
    await until(lambda: _is_done(gateway, response.headers["location"]))
    status = (await gateway.http.get(response.headers["location"], headers=SHOP)).json()
    assert status["state"] == "done"
    assert await stored(gateway.bus, "reply") == []


async def test_an_api_with_a_reply_answers_with_it(gateway: Running) -> None:
    response = await gateway.http.post("/credit/c-9", json={"amount": 5}, headers=SHOP)
    assert (response.status_code, response.json()) == (200, {"customer": "c-9", "score": 7})
    assert "preference-applied" not in response.headers


async def test_a_slow_reply_is_202_and_found_later(gateway: Running, bureau: HttpPeer) -> None:
    bureau.hold = threading.Event()
    response = await ask(gateway.http, wait="wait=1")
    assert response.status_code == 202
    none = await gateway.http.get(response.headers["location"], headers=SHOP)
    assert (none.status_code, problem_kind(none)) == (404, "no-reply")
    bureau.hold.set()
    late = await gateway.http.get(response.headers["location"], headers=SHOP | {"prefer": "wait=9"})
    assert late.json() == {"customer": "c-1", "score": 7}


async def test_nobody_gets_the_reply_to_somebody_elses_message(gateway: Running) -> None:
    response = await ask(gateway.http)
    where = response.headers["content-location"]
    stranger = await gateway.http.get(where, headers=OTHER)
    assert (stranger.status_code, problem_kind(stranger)) == (404, "no-reply")
    assert (await gateway.http.get(where)).status_code == 401


async def test_the_same_request_again_gets_the_same_reply(
    gateway: Running, bureau: HttpPeer
) -> None:
    first, second = [await ask(gateway.http, key="k-1") for _ in range(2)]
    assert first.json() == second.json()
    assert first.headers["ce-id"] == second.headers["ce-id"]
    assert len(bureau.effects) == 1


async def test_a_return_address_from_outside_is_dropped(gateway: Running) -> None:
    """Otherwise a caller could have a reply stored at another's address."""
    victim = return_address("/t/gateway/shop", "m-1")
    event = {"ce-id": "1", "ce-source": "/s", "ce-specversion": "1.0", "ce-type": ASKED}
    for address in (victim, "a.b", ">"):
        headers = OTHER | event | {"ce-replyto": address, "ce-id": address.replace(">", "x")}
        response = await gateway.http.post("/v1/events", json=QUESTION, headers=headers)
        assert response.status_code == 202
        await until(lambda at=response.headers["location"]: _is_done(gateway, at, OTHER))
    assert all("replyto" not in each.extensions for each in await stored(gateway.bus, "in"))
    assert await stored(gateway.bus, "reply") == []


async def test_an_invalid_answer_is_a_dead_letter_and_the_system_is_not_asked_again(
    gateway: Running, bureau: HttpPeer
) -> None:
    for answer, reason in (
        (JSONResponse({"score": "high"}), "its answer is not a valid credit.check.answered"),
        (JSONResponse({"score": 2**60}), "its answer cannot be mapped"),
        (Response("no JSON"), "its answer is not JSON that is accepted"),
        (Response(b'{"score": 1, "x": "' + b"x" * 2000 + b'"}'), "its answer has more than 1024"),
        (Response(status_code=204), "its answer is not a valid"),
    ):
        before = len(bureau.calls)
        bureau.answer = lambda _, answer=answer: answer
        response = await ask(gateway.http)
        assert response.status_code == 502, response.text
        assert problem_kind(response) == "not-answered"
        assert reason in response.json()["detail"]
        assert (await letters(gateway.bus))[-1].startswith(reason)
        assert len(bureau.calls) == before + 1


async def test_a_request_that_dies_is_told_and_its_redriven_reply_found(
    gateway: Running, bureau: HttpPeer
) -> None:
    bureau.answer = lambda _: Response(status_code=422)
    response = await ask(gateway.http)
    assert (response.status_code, problem_kind(response)) == (502, "not-answered")
    assert "the server answered 422" in response.json()["detail"]
    where = f"/v1/messages/{(await stored(gateway.bus, 'in'))[0].id}/reply"
    assert problem_kind(await gateway.http.get(where, headers=SHOP)) == "not-answered"
    bureau.answer = good
    (letter,) = [each async for each in dead_letters.listing(gateway.bus)]
    again = redriving.again(gateway.bus, letter, letter.data)
    await redriving.redrive(gateway.bus, [again], by="test", reason="the bureau is right now")
    late = await gateway.http.get(where, headers=SHOP | {"prefer": "wait=20"})
    assert (late.status_code, late.json()) == (200, {"customer": "c-1", "score": 7})


async def test_i4_an_answer_that_cannot_be_stored_now_is_not_asked_for_again(
    bus: Bus, folder: Path, bureau: HttpPeer
) -> None:
    async with door(bus, folder) as gateway, running_router(bus, folder):
        asking = asyncio.create_task(ask(gateway.http))
        await until(lambda: holds(bus, "out", 1))
        config = (await bus.jetstream.stream_info("t-in")).config
        await bus.jetstream.update_stream(config.evolve(max_msgs=1))
        async with running_workers(bus, folder):
            await until(lambda: _came_again(bus))
            await bus.jetstream.update_stream(config.evolve(max_msgs=-1))
            response = await asking
    assert (response.status_code, response.json()["score"]) == (200, 7)
    assert len(bureau.calls) == 1


async def test_a_second_way_that_dies_does_not_end_the_waiting(
    bus: Bus, folder: Path, bureau: HttpPeer
) -> None:
    """A copy for the books is refused at once, while the bureau still thinks."""
    (folder / "routes/books.yaml").write_text(
        "route: books\naccepts: credit.check.requested@^1\nsend:\n"
        f"  - {{to: bureau, as: {ANSWERED}@^1}}\n"
    )
    bureau.hold = threading.Event()
    async with (
        running_router(bus, folder),
        running_workers(bus, folder),
        door(bus, folder) as gateway,
    ):
        asking = asyncio.create_task(ask(gateway.http))
        await until(lambda: has_letters(bus))
        bureau.hold.set()
        response = await asking
    assert response.status_code == 200, response.text


async def test_the_first_reply_counts_and_a_second_one_changes_nothing(
    gateway: Running,
) -> None:
    response = await ask(gateway.http)
    (reply,) = await stored(gateway.bus, "reply")
    other = msgspec.structs.replace(reply, id="other", data=b'{"customer": "x", "score": 1}')
    address = reply.extensions["replyto"]
    await gateway.bus.publish(SUBJECTS.reply(address), other)
    await gateway.bus.publish(SUBJECTS.reply(address), reply)
    again = await gateway.http.get(response.headers["content-location"], headers=SHOP)
    assert again.json() == response.json()


async def test_a_reply_that_breaks_its_contract_is_not_passed_on(gateway: Running) -> None:
    response = await ask(gateway.http, wait="respond-async", key="never-answered")
    waits = await gateway.http.get(
        response.headers["location"], headers=SHOP | {"prefer": "wait=9"}
    )
    assert waits.status_code == 200
    bad = Message(
        id="bad",
        source="/t/x",
        type=ANSWERED,
        dataschema=dataschema(ANSWERED, "1.0.0"),
        data=b'{"score": "?"}',
    )
    address = return_address("/t/gateway/shop", "mine")
    await gateway.bus.publish(SUBJECTS.reply(address), bad)
    found = await gateway.http.get("/v1/messages/mine/reply", headers=SHOP)
    assert (found.status_code, problem_kind(found)) == (502, "invalid-reply")


async def test_too_many_who_wait_are_refused_before_anything_is_stored(
    bus: Bus, folder: Path
) -> None:
    async with door(bus, folder, SHORT) as gateway:  # nothing answers here
        asking = asyncio.create_task(ask(gateway.http))
        await until(lambda: holds(bus, "in", 1))
        refused = await ask(gateway.http)
        assert (refused.status_code, problem_kind(refused)) == (503, "unavailable")
        assert refused.headers["retry-after"]
        assert len(await stored(bus, "in")) == 1
        assert (await ask(gateway.http, wait="respond-async")).status_code == 202
        gateway.stop.set()  # who waits gets the 202 at once
        assert (await asking).status_code == 202


async def test_a_caller_who_hangs_up_gives_its_place_back(bus: Bus, folder: Path) -> None:
    async with door(bus, folder, SHORT) as gateway:
        asking = asyncio.create_task(ask(gateway.http))
        await until(lambda: holds(bus, "in", 1))
        asking.cancel()

        async def has_room() -> bool:
            response = await ask(gateway.http, wait="wait=1", key="again")
            return response.status_code == 202

        await until(has_room)


async def test_a_reply_reaches_a_caller_of_any_replica(
    nats_server: NatsServer, bus: Bus, folder: Path, bureau: HttpPeer
) -> None:
    bureau.hold = threading.Event()
    other = await connected(nats_server.url)
    async with (
        running_router(bus, folder),
        running_workers(bus, folder),
        door(bus, folder) as one,
        door(other, folder) as two,
    ):
        asking = [asyncio.create_task(ask(each.http)) for each in (one, two, one, two)]
        await until(lambda: holds(bus, "in", 4))
        bureau.hold.set()
        assert [(await each).status_code for each in asking] == [200] * 4
        where = (await asking[0]).headers["content-location"]
        assert (await two.http.get(where, headers=SHOP)).json() == (await asking[0]).json()
    await other.close()


async def _is_done(gateway: Running, where: str, headers: dict[str, str] = SHOP) -> bool:
    status = (await gateway.http.get(where, headers=headers)).json()
    return bool(status["state"] == "done" and status["routes"])


async def _came_again(bus: Bus) -> bool:
    return any(each.redelivered for each in await bus.consumers("out"))


async def test_a_smart_proxy_sees_the_reply_before_whoever_asked_gets_it(
    bus: Bus, folder: Path
) -> None:
    """Two of them, one behind the other; whoever asks knows of none."""
    back = "route: {}\nslip: true\naccepts: credit.check.answered@^1\nsend: [{{to: reply{}}}]\n"
    more = ", as: credit.check.answered@1, map: \"{'customer': customer, 'score': score + 1}\""
    (folder / "routes/ask.yaml").write_text(
        "route: ask\naccepts: credit.check.requested@^1\n"
        "send: [{to: {slip: \"['inner']\", routes: [inner]}, reply_via: outer-back}]\n"
    )
    (folder / "routes/inner.yaml").write_text(
        "route: inner\nslip: true\naccepts: credit.check.requested@^1\n"
        "send: [{to: bureau, reply_via: inner-back}]\n"
    )
    for name in ("inner-back", "outer-back"):
        (folder / f"routes/{name}.yaml").write_text(back.format(name, more))
    assert inspect_project(folder).problems == ()
    async with (
        running_router(bus, folder),
        running_workers(bus, folder),
        door(bus, folder) as gateway,
    ):
        response = await ask(gateway.http)
        assert (response.status_code, response.json()["score"]) == (200, 9)
        where = (await stored(bus, "in"))[0].id
        await until(lambda: is_over(bus, where))
        story = await Teller(bus, folder).tell(await trail_of(bus, where), where)
    told = flat(story.hops)
    assert [each.where for each in told] == [
        "ask",
        "inner",
        "bureau",
        "credit.check.answered",
        "give-back",
        "inner-back",
        "outer-back",
        "whoever asked",
    ]
    assert told[1].slip == "stop 1 of 1: [inner]"


async def test_a_large_request_and_its_large_reply_come_whole(
    bus: Bus, folder: Path, bureau: HttpPeer
) -> None:
    """Both are kept apart from their messages (Claim Check); a reply takes its data along."""
    bus.claim_checks.configure(ClaimCheckSettings(above=Size(1024)))
    worker = (folder / "workers/bureau.yaml").read_text().replace("max: 1KiB", "max: 64KiB")
    mapping = "'score': score, 'note': $request.note, 'report': report"
    (folder / "workers/bureau.yaml").write_text(worker.replace("'score': score", mapping))
    bureau.answer = lambda _: JSONResponse({"score": 7, "report": "r" * 9000})
    question = QUESTION | {"note": "n" * 3000}
    async with (
        running_router(bus, folder),
        running_workers(bus, folder),
        door(bus, folder) as gateway,
    ):
        response = await gateway.http.post(ASK, json=question, headers=SHOP | {"prefer": "wait=20"})
    assert response.status_code == 200, response.text
    found = response.json()
    assert (found["note"], found["report"]) == (question["note"], "r" * 9000)
    assert bureau.calls[0].value == question
    asked, answered = await stored(bus, "in")
    assert asked.dataref
    assert answered.dataref
    (reply,) = await stored(bus, "reply")
    assert not reply.dataref
    assert msgspec.json.decode(reply.data) == found
